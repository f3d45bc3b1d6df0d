from unittest.mock import patch

from psycopg2 import errors

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.balance_guard.models.guard_job import LAST_START_PARAMETER

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestJobs(GuardCommon):
    """The scheduled actions, run through their records."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # This server has been started before.
        job = cls.env["guard.job"]
        cls.env["ir.config_parameter"].sudo().set_param(
            LAST_START_PARAMETER, job._get_server_start()
        )
        cls.env["guard.range"].sudo().search([]).unlink()

    def setUp(self):
        super().setUp()
        self._invoice(100)
        self._invoice(7, partner_id=self.other_partner.id)
        self._seal()

    def _cron(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"balance_guard.cron_{name}").sudo().method_direct_trigger()
        self.env.invalidate_all()

    def _break_caches(self):
        self._break("UPDATE subledger_account SET sealed_balance = 1")

    def _runs(self, kind):
        return self.env["guard.run"].sudo().search([("kind", "=", kind)])

    def test_recent_partners_are_checked_and_healed(self):
        self._break_caches()
        self._cron("recent")
        run = self._runs("recent").filtered(lambda run: run.company_ids == self.company)
        self.assertEqual(run.state, "done")
        self.assertEqual(run.finding_ids.partner_id, self.partner + self.other_partner)
        # A cache is healed by the schedule, too.
        self.assertEqual(set(run.finding_ids.mapped("state")), {"healed"})

    def test_only_as_many_as_the_company_says(self):
        self.company.guard_recent_partners = 1
        self._break_caches()
        self._cron("recent")
        run = self._runs("recent").filtered(lambda run: run.company_ids == self.company)
        self.assertEqual(run.partner_count, 1)

    def test_whole_documents_are_read_at_night(self):
        whole = {"posted_moves_balance", "item_state"}
        self._cron("recent")
        run = self._runs("recent").filtered(lambda run: run.company_ids == self.company)
        often = set(run.check_ids.check_id.mapped("code"))
        self.assertLessEqual({"completeness", "control_account", "hash_chain"}, often)
        self.assertFalse(whole & often)
        self._cron("nightly")
        self._cron("sweep_1")
        night = self._runs("nightly").check_ids.check_id.mapped("code")
        self.assertLessEqual(often | whole, set(night))

    def test_documents_of_a_contact_that_became_a_company(self):
        """The document still names the commercial entity of the past."""
        contact = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.partner.id}
        )
        invoice = self._invoice(30, partner_id=contact.id)
        self._break(
            "UPDATE account_move_line SET balance = balance + 1"
            " WHERE move_id = %s AND display_type = 'product'",
            invoice.id,
        )
        contact.is_company = True
        self.assertEqual(contact.commercial_partner_id, contact)
        self._cron("nightly")
        self._cron("sweep_1")
        found = self._runs("nightly").finding_ids.filtered(
            lambda finding: finding.check_id.code == "posted_moves_balance"
        )
        self.assertEqual(found.partner_id, contact)
        self.assertEqual(found.state, "open")

    def test_ledger_is_not_corrected_without_being_told(self):
        self._break(
            "DELETE FROM subledger_entry WHERE partner_id = %s", self.partner.id
        )
        self._break(
            "DELETE FROM subledger_account WHERE partner_id = %s", self.partner.id
        )
        self._cron("recent")
        self.assertFalse(
            self.env["subledger.entry"].search([("partner_id", "=", self.partner.id)])
        )
        self.company.guard_heal_ledger = True
        self._cron("recent")
        entries = self.env["subledger.entry"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self.assertEqual(entries.origin, "repair")

    def test_suspect_that_does_not_last_is_no_finding(self):
        """The first look shows a difference, the second one does not any more."""
        self._break_caches()
        unit = type(self.env["guard.check.cached_balance"])
        find, looks = unit._find, []

        def find_once(self, scope):
            looks.append(scope)
            return find(self, scope) if len(looks) == 1 else []

        with patch.object(unit, "_find", find_once):
            self._cron("recent")
        self.assertGreater(len(looks), 1)
        self.assertFalse(self._runs("recent").finding_ids)

    def test_lost_serialization_is_repeated(self):
        self._break_caches()
        run_model = type(self.env["guard.run"])
        finish, failures = run_model._finish, []

        def finish_late(self):
            if not failures:
                failures.append(self)
                raise SerializationFailure
            return finish(self)

        with patch.object(run_model, "_finish", finish_late):
            self._cron("recent")
        self.assertTrue(failures)
        self.assertTrue(self._runs("recent").finding_ids)

    def test_nightly_sweep(self):
        self._break_caches()
        self._cron("nightly")
        run = self._runs("nightly")
        self.assertEqual(run.state, "running")
        self.assertEqual(run.progress, 0.0)
        self._cron("sweep_1")
        self.assertEqual(run.state, "done")
        self.assertEqual(run.progress, 100.0)
        found = run.finding_ids.filtered(lambda f: f.company_id == self.company)
        self.assertEqual(found.partner_id, self.partner + self.other_partner)
        self.assertIn("trial_balance", run.check_ids.check_id.mapped("code"))

    def test_each_part_is_done_once(self):
        with self._small_parts():
            self._cron("nightly")
            run = self._runs("nightly")
            parts = run.range_ids.filtered(lambda part: part.company_id == self.company)
            self.assertGreater(len(parts), 2)
            self._cron("sweep_1")
            self._cron("sweep_2")
        self.assertEqual(set(parts.mapped("state")), {"done"})
        self.assertEqual(set(parts.mapped("attempts")), {1})
        lines = run.check_ids.filtered(
            lambda line: line.check_id.code == "cached_balance"
        )
        ranges = run.range_ids.filtered(lambda part: part.scope == "partners")
        self.assertEqual(len(lines), len(ranges))

    def _small_parts(self):
        return patch.object(type(self.env["guard.range"]), "_get_size", lambda self: 1)

    def test_parts_cover_every_partner(self):
        with self._small_parts():
            scopes = self.env["guard.range"]._get_scopes(self.company)
        for partner in self.partner + self.other_partner:
            within = [
                scope
                for scope in scopes
                if (scope.first_partner or 0) <= partner.id
                and partner.id <= (scope.last_partner or partner.id)
            ]
            self.assertEqual(len(within), 1)

    @mute_logger("odoo.addons.balance_guard.models.guard_job")
    def test_killed_sweep_is_resumed(self):
        """The worker dies at the second part: the first one stays done."""
        with self._small_parts():
            self._cron("nightly")
        run = self._runs("nightly")
        work, worked = type(self.env["guard.range"])._work, []

        def die_at_the_second(self):
            if len(worked) == 1:
                raise KeyboardInterrupt
            worked.append(self.id)
            return work(self)

        with (
            patch.object(type(self.env["guard.range"]), "_work", die_at_the_second),
            self.assertRaises(KeyboardInterrupt),
        ):
            self._cron("sweep_1")
        self.env.invalidate_all()
        self._cron("sweep_2")
        self.assertEqual(run.state, "done")
        first = run.range_ids.filtered(lambda part: part.id == worked[0])
        self.assertEqual(first.attempts, 1)

    @mute_logger("odoo.addons.balance_guard.models.guard_job")
    def test_part_that_fails_is_given_up(self):
        self._cron("nightly")
        broken = patch.object(
            type(self.env["guard.range"]), "_work", side_effect=ZeroDivisionError("no")
        )
        with broken:
            self._cron("sweep_1")
        run = self._runs("nightly")
        self.assertEqual(set(run.range_ids.mapped("state")), {"failed"})
        self.assertEqual(set(run.range_ids.mapped("attempts")), {3})
        self.assertEqual(run.state, "done")
        self.assertEqual(run.result, "failed")

    def test_second_night_waits_for_the_first(self):
        self._cron("nightly")
        self._cron("nightly")
        self.assertEqual(len(self._runs("nightly")), 1)

    def test_partner_deleted_before_its_part(self):
        with self._small_parts():
            self._cron("nightly")
        gone = self.env["res.partner"].create({"name": "Gone"})
        gone.unlink()
        self._cron("sweep_1")
        self.assertEqual(self._runs("nightly").result, "clean")

    def test_rests_while_others_write(self):
        job = type(self.env["guard.job"])
        for busy, rests in ((True, True), (False, False)):
            with (
                self.subTest(busy=busy),
                patch.object(job, "_is_busy", lambda self, cr, busy=busy: busy),
                patch("odoo.addons.balance_guard.models.guard_job.time.sleep") as sleep,
            ):
                self._cron("nightly")
                self._cron("sweep_1")
                self._cron("recent")
                self.assertEqual(sleep.called, rests)
                for call in sleep.call_args_list:
                    self.assertLessEqual(call.args[0], 10)

    def test_server_start_is_noticed_once(self):
        self.env["ir.config_parameter"].sudo().set_param(LAST_START_PARAMETER, "")
        self._cron("recent")
        self.assertEqual(len(self._runs("startup")), 1)
        self._cron("sweep_1")
        self._cron("recent")
        self.assertEqual(len(self._runs("startup")), 1)
        self.assertEqual(self._runs("startup").state, "done")

    def test_weekly_digest(self):
        self.company.guard_digest = True
        self._break_caches()
        self._run()
        messages = self.env["mail.message"].sudo()
        before = messages.search([], limit=1, order="id desc")
        self._cron("digest")
        mails = messages.search([("id", ">", before.id)])
        self.assertIn(self.manager.partner_id, mails.partner_ids)


class SerializationFailure(errors.SerializationFailure):
    """As the server would raise it; the driver gives it no diagnostics here."""
