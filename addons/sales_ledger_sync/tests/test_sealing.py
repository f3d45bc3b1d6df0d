from odoo.tests import tagged
from odoo.tools import SQL

from .common import SubledgerCommon


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

    def test_cron(self):
        for name in ("ir_cron_seal", "ir_cron_seal_2"):
            first = self._invoice(100)
            second = self._invoice(30)
            cron = self.env.ref(f"sales_ledger_sync.{name}")
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            numbers = self._entries(first + second).sorted("id").mapped("number")
            self.assertEqual(numbers[1] - numbers[0], 1, name)

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
