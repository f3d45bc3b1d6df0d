import logging
from unittest.mock import patch

from psycopg2.pool import PoolError

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models import subledger_account_sealing as sealing
from .common import SubledgerCommon

LOGGER = sealing.__name__


@tagged("post_install", "-at_install")
class TestSealing(SubledgerCommon):
    """Numbers, running balances and the hash chain."""

    def test_numbers_and_balances(self):
        moves = self._invoice(100) + self._payment(60).move_id + self._invoice(5)
        self.assertEqual(self._balance(), 45.0)
        with self._sealing() as accounts:
            self.assertGreaterEqual(accounts._seal(), 3)
            self.assertEqual(accounts._seal(), 0)
        self.assertEqual(self._entries(moves).mapped("number"), [1, 2, 3])
        self.assertEqual(
            self._entries(moves).mapped("balance_after"), [100.0, 40.0, 45.0]
        )
        head = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self.assertRecordValues(
            head,
            [{"last_number": 3, "sealed_balance": 45.0, "balance": 45.0}],
        )
        self.assertEqual(head.last_hash, self._entries(moves)[-1].hash)
        self.assertEqual(self._balance(), 45.0)

    def test_balance_adds_the_unsealed_tail(self):
        self._invoice(100)
        with self._sealing() as accounts:
            accounts._seal()
        self._invoice(7)
        head = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self.assertEqual(head.sealed_balance, 100.0)
        self.assertEqual(head.balance, 107.0)
        self.assertEqual(self._balance(), 107.0)

    def test_sealing_continues_the_chain(self):
        first = self._invoice(100)
        with self._sealing() as accounts:
            accounts._seal()
        second = self._invoice(10)
        with self._sealing() as accounts:
            accounts._seal()
        entries = self._entries(first + second)
        self.assertEqual(entries.mapped("number"), [1, 2])
        self.assertEqual(entries.mapped("balance_after"), [100.0, 110.0])
        self.assertChained(entries)

    def test_bucket_without_partner(self):
        self.company.subledger_manual_policy = "record"
        no_partner = self.env["res.partner"]
        moves = self._entry_move(1, partner=no_partner) + self._entry_move(
            2, partner=no_partner
        )
        with self._sealing() as accounts:
            accounts._seal()
        self.assertEqual(self._entries(moves).mapped("number"), [1, 2])
        self.assertEqual(self._entries(moves).mapped("balance_after"), [1.0, 3.0])

    def test_only_asked_accounts(self):
        asked = self._invoice(1)
        other = self._invoice(2, partner_id=self.other_partner.id)
        entry = self._entries(asked)
        with self._sealing() as accounts:
            accounts._seal({(self.company.id, self.partner.id, entry.account_id.id)})
        self.assertEqual(entry.number, 1)
        self.assertFalse(self._entries(other).number)

    def test_small_batches(self):
        moves = self.env["account.move"].union(
            *(
                self._invoice(amount, partner_id=partner.id)
                for amount in (1, 2, 3)
                for partner in self.partner + self.other_partner
            )
        )
        with self._sealing() as accounts:
            while accounts._seal(limit=2):
                pass
        for partner in self.partner + self.other_partner:
            entries = self._entries(moves).filtered(
                lambda entry, partner=partner: entry.partner_id == partner
            )
            self.assertEqual(entries.mapped("number"), [1, 2, 3])
            self.assertEqual(entries.mapped("balance_after"), [1.0, 3.0, 6.0])
            self.assertChained(entries)

    def test_what_comes_behind_a_walk_is_sealed_by_it(self):
        """A walk goes on where its last batch ended; at the end it looks back once."""
        for backwards in (False, True):
            with self.subTest(backwards=backwards):
                self._check_what_comes_behind(backwards)

    def _check_what_comes_behind(self, backwards):
        partners = self.partner + self.other_partner
        moves = self.env["account.move"].union(
            *(
                self._invoice(amount, partner_id=partner.id)
                for amount in (1, 2, 3)
                for partner in partners
            )
        )
        passed = partners.sorted("id", reverse=backwards)[0]
        late, batches = moves.browse(), []

        def go_on(sealed):
            nonlocal late
            batches.append(sealed)
            if sum(batches) == 4:  # the walk is with the second partner
                late = self._invoice(4, partner_id=passed.id)
            return True

        with self._sealing() as accounts, self._batches_of(2):
            accounts._seal(backwards=backwards, go_on=go_on)
        self.assertEqual(sum(batches), 7)
        self.assertTrue(all(self._entries(moves + late).mapped("number")))

    def test_walk_finds_accounts_that_come_while_it_is_under_way(self):
        first, second = (self.partner + self.other_partner).sorted("id")
        moves = sum(
            (self._invoice(amount, partner_id=second.id) for amount in range(1, 4)),
            self.env["account.move"],
        )
        late = self.env["account.move"]

        def go_on(_sealed):
            nonlocal late
            if not late:  # passed already, and as many as a batch: nothing else is seen
                late = self._invoice(4, partner_id=first.id)
                late += self._invoice(5, partner_id=first.id)
            return True

        with self._sealing() as accounts, self._batches_of(2):
            self.assertEqual(accounts._seal(go_on=go_on), 5)
        self.assertTrue(all(self._entries(moves + late).mapped("number")))

    def test_entries_that_were_rolled_back_are_not_waited_for(self):
        nobody = {(self.company.id, self.partner.id, -1)}
        with (
            self._sealing() as accounts,
            patch.object(sealing.time, "sleep", side_effect=AssertionError),
        ):
            self.assertEqual(accounts._seal(nobody), 0)

    def test_walk_stops_when_time_is_over(self):
        moves = self._invoice(1) + self._invoice(2) + self._invoice(3)
        with self._sealing() as accounts, self._batches_of(2):
            self.assertEqual(accounts._seal(go_on=lambda _sealed: False), 2)
        self.assertEqual(self._entries(moves).mapped("number").count(0), 1)

    def _batches_of(self, size):
        return patch.object(sealing, "BATCH_SIZE", size)

    def test_cron(self):
        for name in ("ir_cron_seal", "ir_cron_seal_2"):
            first = self._invoice(100)
            second = self._invoice(30)
            cron = self.env.ref(f"sales_ledger_sync.{name}")
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            numbers = self._entries(first + second).sorted("id").mapped("number")
            self.assertEqual(numbers[1] - numbers[0], 1, name)

    def _damage_head(self, last_number):
        """As a program with a database connection may."""
        self.env.cr.execute(
            "UPDATE subledger_account SET last_number = %s WHERE partner_id = %s",
            [last_number, self.partner.id],
        )

    @mute_logger("odoo.sql_db")
    def test_damaged_account_does_not_keep_the_others_waiting(self):
        first = self._invoice(1)
        with self._sealing() as accounts:
            accounts._seal()
        self._damage_head(0)
        second = self._invoice(2)
        other = self._invoice(4, partner_id=self.other_partner.id)
        for sealed in (1, 0):
            with self._sealing() as accounts, self.assertLogs(LOGGER, "ERROR") as logs:
                self.assertEqual(accounts._seal(limit=100), sealed)
            self.assertIn(f"partner {self.partner.id}, ", "".join(logs.output))
        self.assertEqual(self._entries(other).number, 1)
        self.assertFalse(self._entries(second).number)
        self.assertEqual(self._balance(), 3.0)
        self._damage_head(1)
        with self._sealing() as accounts:
            self.assertEqual(accounts._seal(), 1)
        self.assertEqual(self._entries(first + second).mapped("number"), [1, 2])

    @mute_logger("odoo.sql_db")
    def test_damaged_account_does_not_disturb_who_posted(self):
        self._invoice(1)
        with self._sealing() as accounts:
            accounts._seal()
        self._damage_head(0)
        second = self._invoice(2)
        with self._sealing() as accounts, self.assertLogs(LOGGER, "ERROR"):
            accounts._seal_pending()
        self.assertFalse(self._entries(second).number)

    @mute_logger("odoo.sql_db")
    def test_lost_connection_does_not_disturb_who_posted(self):
        self._invoice(1)
        with (
            self._sealing() as accounts,
            patch.object(type(accounts), "_seal", side_effect=PoolError("full")),
            self.assertLogs(LOGGER, logging.INFO) as logs,
        ):
            accounts._seal_pending()
        self.assertIn("left to the scheduled sweep", "".join(logs.output))

    def test_many_entries_are_left_to_the_sweeps(self):
        sweeps = self.env.ref("sales_ledger_sync.ir_cron_seal")
        sweeps += self.env.ref("sales_ledger_sync.ir_cron_seal_2")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([]).unlink()
        moves = self._invoice(1) + self._invoice(2)
        with self._sealing() as accounts, patch.object(sealing, "AT_ONCE", 1):
            accounts._seal_pending()
        self.assertEqual(triggers.search([]).cron_id, sweeps)
        self.assertFalse(any(self._entries(moves).mapped("number")))
        third = self._invoice(3)
        with self._sealing() as accounts, patch.object(sealing, "AT_ONCE", 1):
            accounts._seal_pending()
        self.assertEqual(self._entries(third).number, 3)

    def test_balance_is_searchable_and_sortable(self):
        self._invoice(100)
        self._invoice(300, partner_id=self.other_partner.id)
        with self._sealing() as accounts:
            accounts._seal()
        self._invoice(500)
        domain = [("partner_id", "in", (self.partner + self.other_partner).ids)]
        accounts = self.env["subledger.account"].search(domain, order="balance desc")
        self.assertEqual(accounts.mapped("balance"), [600.0, 300.0])
        self.assertEqual(
            accounts.search(domain + [("balance", ">", 400)]).partner_id, self.partner
        )
        self.assertEqual(
            accounts.search(domain + [("balance", "=", 300)]).partner_id,
            self.other_partner,
        )

    def assertChained(self, entries):
        """The hash of each entry follows from the one before and its own facts."""
        payload = self.env["subledger.entry"]._hash_payload_sql("entry")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT entry.hash, '1$' || encode(sha256(convert_to(
                           COALESCE(before.hash, '') || %s, 'UTF8')), 'hex')
                  FROM subledger_entry AS entry
                  LEFT JOIN subledger_entry AS before
                    ON before.company_id = entry.company_id
                   AND before.partner_id IS NOT DISTINCT FROM entry.partner_id
                   AND before.account_id = entry.account_id
                   AND before.number = entry.number - 1
                 WHERE entry.id = ANY(%s)
                """,
                payload,
                list(entries.ids),
            )
        )
        self.assertEqual(len(rows), len(entries))
        for stored, expected in rows:
            self.assertEqual(stored, expected)
