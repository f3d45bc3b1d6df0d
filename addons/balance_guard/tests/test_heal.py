from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestHeal(GuardCommon):
    """Healing restores what it may, refuses the rest and gives up in time."""

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(100)
        self.second = self._invoice(40)
        self._seal()
        self.head = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )

    def _break_cache(self, amount=7):
        self._break(
            "UPDATE subledger_account SET sealed_balance = sealed_balance + %s,"
            " last_number = 99, last_hash = 'x' WHERE partner_id = %s",
            amount,
            self.partner.id,
        )

    def _general_ledger(self):
        self.env.flush_all()
        return self.env.execute_query_dict(
            SQL("SELECT * FROM account_move_line ORDER BY id")
        )

    def test_stale_cache_is_rebuilt(self):
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        run = self._run(heal=True)
        self.assertRecordValues(
            run.finding_ids, [{"cause_code": "stale_cache", "state": "healed"}]
        )
        self.assertEqual(self.head.sealed_balance, 140.0)
        self.assertEqual(self.head.balance, 140.0)
        self.assertEqual(self._run().result, "clean")

    def test_missing_entry_comes_back_as_repair(self):
        self._seal()
        self._break(
            "DELETE FROM subledger_entry WHERE id = %s", self._live(self.invoice).id
        )
        before = self._general_ledger()
        run = self._run(heal=True)
        missing = run.finding_ids.filtered(lambda f: f.check_code == "completeness")
        self.assertEqual(missing.state, "healed")
        self.assertEqual(self._live(self.invoice).origin, "repair")
        self.assertEqual(self._balance(), 140.0)
        self.assertEqual(self._general_ledger(), before)

    def test_changed_entry_is_corrected_by_linked_entries(self):
        entry = self._live(self.invoice)
        self._break("UPDATE subledger_entry SET debit = 70 WHERE id = %s", entry.id)
        run = self._run(heal=True)
        states = {finding.check_code: finding.state for finding in run.finding_ids}
        self.assertEqual(states["completeness"], "healed")
        # What was sealed and changed stays as evidence.
        self.assertEqual(states["hash_chain"], "open")
        self.assertEqual(states["running_balance"], "open")
        entries = self._entries(self.invoice)
        self.assertEqual(entries.mapped("origin"), ["live", "repair", "repair"])
        self.assertEqual(entries[1].reversal_of_id.id, entry.id)
        self.assertEqual(self._balance(), 140.0)

    def test_repair_of_a_changed_entry_is_no_new_finding(self):
        entry = self._live(self.invoice)
        self._break("UPDATE subledger_entry SET debit = 70 WHERE id = %s", entry.id)
        first = self._run(heal=True)
        # What another repair settles is not refused first.
        cached = first.finding_ids.filtered(lambda f: f.check_code == "cached_balance")
        self.assertEqual(cached.state, "healed")
        self.assertFalse(cached.heal_ids)
        self._seal()
        self._invoice(9)
        self._seal()
        found = self._findings(self._run())
        self.assertEqual(
            sorted(found.mapped("check_code")), ["hash_chain", "running_balance"]
        )
        self.assertEqual(found.entry_id.mapped("id"), [entry.id])
        self.assertEqual(found, self._findings(first))

    def test_cache_over_a_broken_chain_is_left_alone(self):
        entry = self._live(self.invoice)
        self._break(
            "UPDATE subledger_entry SET reference = 'FAKE' WHERE id = %s", entry.id
        )
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        run = self._run(heal=True)
        stale = run.finding_ids.filtered(lambda f: f.check_code == "cached_balance")
        self.assertEqual(stale.state, "open")
        self.assertEqual(stale.heal_ids.state, "refused")
        self.assertEqual(self.head.sealed_balance, 1.0)

    def test_general_ledger_is_never_touched(self):
        self._break(
            "UPDATE account_move_line SET balance = 130, debit = 130 WHERE id = %s",
            self._item(self.invoice).id,
        )
        before = self._general_ledger()
        run = self._run(heal=True)
        self.assertEqual(self._general_ledger(), before)
        unbalanced = run.finding_ids.filtered(
            lambda f: f.check_code == "posted_moves_balance"
        )
        self.assertEqual(unbalanced.state, "open")
        self.assertEqual(unbalanced.heal_ids.state, "refused")

    def test_healing_twice_is_healing_once(self):
        self._break(
            "DELETE FROM subledger_entry WHERE id = %s", self._live(self.invoice).id
        )
        self._run(heal=True)
        entries = self._entries(self.invoice)
        run = self._run(heal=True)
        self.assertEqual(self._entries(self.invoice), entries)
        self.assertFalse(
            run.finding_ids.heal_ids.filtered(lambda heal: heal.state == "done")
            - self._findings(run, "completeness", state=("healed",)).heal_ids
        )

    def test_dry_run_changes_nothing(self):
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        finding = self._findings(self._run())
        finding.with_user(self.manager).action_heal_dry_run()
        self.assertEqual(finding.heal_ids.state, "planned")
        self.assertEqual(finding.state, "open")
        self.assertEqual(self.head.sealed_balance, 1.0)

    def test_third_time_within_a_day_is_refused(self):
        for _time in range(2):
            self._break(
                "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
                self.partner.id,
            )
            self.assertEqual(self._run(heal=True).finding_ids.state, "healed")
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        finding = self._run(heal=True).finding_ids
        self.assertEqual(finding.state, "reopened")
        self.assertEqual(finding.heal_ids[:1].state, "tripped")
        self.assertEqual(finding.activity_ids.user_id, self.manager)
        self.assertEqual(self.head.sealed_balance, 1.0)
        # Told once, not at every run.
        self._run(heal=True)
        tripped = finding.heal_ids.filtered(lambda heal: heal.state == "tripped")
        self.assertEqual(len(tripped), 1)
        # A day later it is tried again.
        with freeze_time(fields.Datetime.now() + timedelta(hours=25)):
            self.assertEqual(self._run(heal=True).finding_ids.state, "healed")

    def test_healing_on_hold(self):
        self.company.guard_healing_paused = True
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        finding = self._run(heal=True).finding_ids
        self.assertEqual(finding.state, "open")
        self.assertIn("on hold", finding.heal_ids.note)
        self.assertEqual(self.head.sealed_balance, 1.0)

    def test_deleted_tail_stays_as_evidence(self):
        self._break(
            "DELETE FROM subledger_entry WHERE id = %s", self._live(self.second).id
        )
        run = self._run(heal=True)
        gap = run.finding_ids.filtered(lambda f: f.check_code == "cached_balance")
        self.assertRecordValues(gap, [{"cause_code": "number_gap", "state": "open"}])
        self.assertEqual(self.head.last_number, 2)
        self.assertEqual(self.head.balance, 140.0)
        # The number is not given again: the gap can be seen for ever.
        self._seal()
        self.assertEqual(self._live(self.second).number, 3)
        gap = self._findings(self._run(), "running_balance")
        self.assertRecordValues(gap, [{"cause_code": "number_gap", "difference": 0.0}])

    def test_old_tail_is_sealed(self):
        late = self._invoice(5)
        later = fields.Datetime.now() + timedelta(hours=2)
        with freeze_time(later):
            run = self._run(heal=True)
        self.assertRecordValues(
            run.finding_ids, [{"cause_code": "stale_cache", "state": "healed"}]
        )
        self.assertEqual(self._live(late).number, 3)

    def test_heal_needs_the_manager(self):
        with self.assertRaises(AccessError):
            self._run(user=self.auditor, heal=True)
