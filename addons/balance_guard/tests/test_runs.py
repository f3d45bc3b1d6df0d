from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestRuns(GuardCommon):
    """Runs, the life of a finding, and what happens when a check breaks."""

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(100)
        self._seal()

    def _break_cache(self, amount=7):
        self._break(
            "UPDATE subledger_account SET sealed_balance = sealed_balance + %s"
            " WHERE partner_id = %s",
            amount,
            self.partner.id,
        )

    def test_run_names_who_ran_it_and_what(self):
        run = self._run(self.partner, self.auditor)
        self.assertRecordValues(
            run,
            [
                {
                    "kind": "manual",
                    "state": "done",
                    "user_id": self.auditor.id,
                    "partner_count": 1,
                    "result": "clean",
                }
            ],
        )
        self.assertEqual(run.company_ids, self.company)
        self.assertTrue(run.check_ids)
        self.assertFalse(run.env.su)

    def test_contact_stands_for_its_company(self):
        contact = self.env["res.partner"].create(
            {"name": "Clerk", "parent_id": self.partner.id}
        )
        self._break_cache()
        self.assertTrue(self._findings(self._run(contact), "cached_balance"))

    def test_other_partner_is_not_looked_at(self):
        self._break_cache()
        self.assertFalse(self._findings(self._run(self.other_partner)))

    def test_same_fault_updates_its_finding(self):
        self._break_cache()
        first = self._findings(self._run(), "cached_balance")
        self._break_cache()
        second = self._findings(self._run(), "cached_balance")
        self.assertEqual(first, second)
        self.assertEqual(first.difference, -14.0)
        self.assertEqual(first.seen_count, 2)
        self.assertEqual(len(first.run_ids), 2)

    def test_vanished_fault_is_closed_and_reopens(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        self._break_cache(-7)
        self._run()
        self.assertEqual(finding.state, "healed")
        self.assertTrue(finding.closed_at)
        self._break_cache()
        self.assertEqual(self._findings(self._run(), "cached_balance"), finding)
        self.assertEqual(finding.state, "reopened")

    def test_run_over_others_closes_nothing(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        self._break_cache(-7)
        self._run(self.other_partner)
        self.assertEqual(finding.state, "open")

    def test_accepted_stays_until_the_amount_changes(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        finding.with_user(self.manager).action_accept("Known")
        self._run()
        self.assertEqual(finding.state, "accepted")
        self.assertEqual(finding.accept_reason, "Known")
        self._break_cache()
        self._run()
        self.assertEqual(finding.state, "reopened")

    def test_auditor_may_not_decide(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        with self.assertRaises(AccessError):
            finding.with_user(self.auditor).action_accept("No")
        with self.assertRaises(AccessError):
            finding.with_user(self.auditor).action_heal()

    def test_healed_needs_no_acceptance(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        self._break_cache(-7)
        self._run()
        with self.assertRaises(UserError):
            finding.with_user(self.manager).action_accept()

    @mute_logger("odoo.addons.balance_guard.models.guard_run")
    def test_check_that_raises_does_not_stop_the_others(self):
        self._break_cache()
        unit = type(self.env["guard.check.completeness"])
        with patch.object(unit, "_query", side_effect=ZeroDivisionError("broken")):
            run = self._run()
        failed = run.check_ids.filtered(lambda line: line.state == "failed")
        self.assertEqual(failed.check_id.code, "completeness")
        self.assertIn("broken", failed.error)
        self.assertEqual(run.result, "failed")
        self.assertTrue(self._findings(run, "cached_balance"))

    @mute_logger("odoo.addons.balance_guard.models.guard_run", "odoo.sql_db")
    def test_query_that_fails_leaves_the_transaction_usable(self):
        unit = type(self.env["guard.check.completeness"])
        with patch.object(unit, "_query", return_value="SELECT nonsense"):
            run = self._run()
        self.assertEqual(run.failed_check_count, 1)
        self.assertEqual(self._run().result, "clean")

    def test_failed_check_closes_nothing(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        unit = type(self.env["guard.check.cached_balance"])
        with (
            patch.object(unit, "_query", side_effect=ZeroDivisionError("broken")),
            mute_logger("odoo.addons.balance_guard.models.guard_run"),
        ):
            self._run()
        self.assertEqual(finding.state, "open")

    def test_switched_off_check_is_left_out(self):
        check = self.env["guard.check"].search([("code", "=", "cached_balance")])
        check.with_user(self.manager).active = False
        self._break_cache()
        self.assertFalse(self._findings(self._run()))

    def test_catalogue_follows_from_the_code(self):
        check = self.env["guard.check"].search([("code", "=", "cached_balance")])
        with self.assertRaises(UserError):
            check.with_user(self.manager).code = "other"
        with self.assertRaises(AccessError):
            check.with_user(self.auditor).active = False

    def test_check_of_another_addon_is_discovered(self):
        row = {
            "company_id": self.company.id,
            "partner_id": self.partner.id,
            "expected": 0,
            "actual": 5,
            "cause_code": "hold_outdated",
            "res_model": "res.partner",
            "res_id": self.partner.id,
        }
        check = {
            "code": "outside_check",
            "name": "Outside",
            "explanation": "Of another addon.",
            "find": lambda companies, partners: [row],
        }
        with patch.object(
            type(self.env["res.partner"]),
            "_balance_guard_checks",
            lambda self: [check],
            create=True,
        ):
            found = self._findings(self._run(self.partner), "outside_check")
        self.assertRecordValues(
            found, [{"cause_code": "hold_outdated", "difference": -5.0}]
        )
        self._run()
        catalogue = self.env["guard.check"].search([("code", "=", "outside_check")])
        self.assertFalse(catalogue, "The check left with its addon")

    # Bad input

    def test_partner_must_exist(self):
        gone = self.env["res.partner"].create({"name": "Gone"})
        ids = gone.ids
        gone.unlink()
        with self.assertRaisesRegex(UserError, "does not exist"):
            self.env["guard.check"].with_user(self.manager).run_all(ids)

    def test_ids_must_be_numbers(self):
        for bad in ("ab", [None], [{}], 5):
            with self.subTest(bad=bad), self.assertRaises(UserError):
                self.env["guard.check"].with_user(self.manager).run_all(bad)

    def test_company_must_be_allowed(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(AccessError):
            self.env["guard.check"].with_user(self.manager).run_all(
                company_ids=other.ids
            )

    def test_company_without_ledger_is_clean(self):
        bare = self.env["res.company"].create({"name": "Bare"})
        self.manager.company_ids += bare
        run = (
            self.env["guard.check"]
            .with_user(self.manager)
            .run_all(company_ids=bare.ids)
        )
        self.assertEqual(run.result, "clean")
        self.assertFalse(run.check_ids.filtered("error"))

    def test_tolerance_is_above_zero(self):
        for bad in (0.0, -0.01):
            with self.subTest(bad=bad), self.assertRaises(ValidationError):
                self.company.guard_tolerance = bad

    def test_tolerance_hides_what_is_below(self):
        self.company.guard_tolerance = 10
        self._break(
            "UPDATE account_move_line SET amount_residual = amount_residual - 9"
            " WHERE id = %s",
            self._item(self.invoice).id,
        )
        self.assertFalse(self._findings(self._run(), "residual_reconciliation"))
        self.company.guard_tolerance = 5
        self.assertTrue(self._findings(self._run(), "residual_reconciliation"))

    def test_low_rights_user_may_not_run(self):
        with self.assertRaises(AccessError):
            self.env["guard.check"].with_user(self.biller).run_all()
        with self.assertRaises(AccessError):
            self.env["guard.check"].with_user(self.auditor).run_all(heal=True)

    # Telling people

    def test_news_are_told_once(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        self.assertEqual(finding.activity_ids.user_id, self.manager)
        self.assertTrue(finding.notified_at)
        messages = finding.message_ids
        self._run()
        self.assertEqual(len(finding.activity_ids), 1)
        self.assertEqual(finding.message_ids, messages)

    def test_activity_goes_with_its_reason(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        self._break_cache(-7)
        self._run()
        self.assertFalse(finding.activity_ids)

    def test_story_in_words(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        story = finding.with_user(self.auditor).story
        for words in ("Ada Ltd", "sealed_balance", "Stale cached value", "107.0"):
            self.assertIn(words, story)

    def test_digest(self):
        self._break_cache()
        self._run()
        dashboard = self.env["guard.dashboard"]
        before = self.company.partner_id.message_ids
        dashboard.sudo()._send_digest(self.company)
        digest = self.env["mail.message"].search([], limit=1, order="id desc")
        self.assertNotIn(digest, before)
        self.assertIn("1 open differences", digest.body)

    def test_dashboard(self):
        health = self.env["guard.dashboard"].with_user(self.auditor)
        self.assertEqual(health.search([]).health, "unchecked")
        self._break_cache()
        run = self._run()
        health = health.search([])
        health.invalidate_recordset()
        self.assertRecordValues(
            health,
            [{"health": "findings", "open_count": 1, "last_run_id": run.id}],
        )
        self.assertEqual(health.oldest_open, run.finding_ids.first_seen)
        self.assertIn("Stale cached value", health.causes_table)
        self.assertIn(run.display_name, health.runs_table)
        self.assertIn("Differences found", health.runs_table)

    def test_causes_over_time(self):
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance")
        health = self.env["guard.dashboard"].search(
            [("company_id", "=", self.company.id)]
        )
        [line] = health._get_causes_by_week()["lines"]
        self.assertEqual(line["counts"], [0, 0, 0, 0, 1])
        finding.sudo().first_seen -= timedelta(weeks=2)
        [line] = health._get_causes_by_week()["lines"]
        self.assertEqual(line["counts"], [0, 0, 1, 0, 0])
        finding.sudo().first_seen -= timedelta(weeks=9)
        self.assertFalse(health._get_causes_by_week()["lines"])

    def test_weeks_are_those_of_the_user(self):
        """Six hours after a Monday began in London, it begins in Los Angeles."""
        self._break_cache()
        finding = self._findings(self._run(), "cached_balance").sudo()
        health = self.env["guard.dashboard"].search(
            [("company_id", "=", self.company.id)]
        )
        far_west = "America/Los_Angeles"
        for zone, seen, counts in (
            ("UTC", "2026-01-05 02:00:00", [1, 0, 0, 0, 0]),
            (far_west, "2026-01-05 02:00:00", None),
            (far_west, "2026-01-05 08:00:00", [1, 0, 0, 0, 0]),
            (far_west, "2026-01-12 02:00:00", [1, 0, 0, 0, 0]),
            (far_west, "2026-01-12 08:00:00", [0, 1, 0, 0, 0]),
            ("Asia/Tokyo", "2026-01-04 16:00:00", [1, 0, 0, 0, 0]),
            ("Asia/Tokyo", "2026-01-11 16:00:00", [0, 1, 0, 0, 0]),
        ):
            with self.subTest(zone=zone, seen=seen), freeze_time("2026-02-04 12:00"):
                finding.first_seen = seen
                found = health.with_context(tz=zone)._get_causes_by_week()
                found = [line["counts"] for line in found["lines"]]
                self.assertEqual(found, [counts] if counts else [])
        # Where no browser says it, as in a mail.
        self.manager.tz = far_west
        health = health.with_user(self.manager).with_context(tz=False)
        with freeze_time("2026-02-04 12:00"):
            finding.first_seen = "2026-01-12 02:00:00"
            [line] = health._get_causes_by_week()["lines"]
        self.assertEqual(line["counts"], [1, 0, 0, 0, 0])

    def test_only_what_may_be_repaired_offers_healing(self):
        self._break_cache()
        self._break(
            "UPDATE account_move_line SET amount_residual = 1 WHERE id = %s",
            self._item(self.invoice).id,
        )
        run = self._run()
        stale = self._findings(run, "cached_balance")
        residual = self._findings(run, "residual_reconciliation")
        self.assertTrue(stale.can_heal)
        self.assertIn("can be repaired", stale.story)
        self.assertFalse(residual.can_heal)
        self.assertIn("a person has to decide", residual.story)

    def test_run_says_how_many_partners(self):
        self.assertEqual(self._run().partners_text, "All")
        self.assertEqual(self._run(self.partner).partners_text, "1")
