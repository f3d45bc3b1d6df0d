from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.sales_ledger_sync.tests.common import SubledgerCommon


class GuardCommon(SubledgerCommon):
    """Documents with sealed entries, and ways to break them below every guard."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.guard_digest = False
        cls.manager = cls._create_user("manager", "group_guard_manager")
        cls.auditor = cls._create_user("auditor", "group_guard_auditor")
        cls.company.guard_responsible_id = cls.manager

    @classmethod
    def _create_user(cls, name, group):
        return cls.env["res.users"].create(
            {
                "name": f"Guard {name}",
                "login": f"guard_{name}",
                "email": f"{name}@guard.example.com",
                "group_ids": [Command.link(cls.env.ref(f"balance_guard.{group}").id)],
                "company_ids": [Command.set(cls.company.ids)],
                "company_id": cls.company.id,
            }
        )

    def _seal(self):
        with self._sealing() as accounts:
            accounts._seal()

    def _break(self, query, *args, **kwargs):
        """Change the database as somebody with psql would."""
        self.env.flush_all()
        tables = ("subledger_entry", "account_move_line", "account_move")
        for table in tables:
            self._set_triggers(table, "DISABLE")
        self.env.cr.execute(SQL(query, *args, **kwargs))
        for table in tables:
            self._set_triggers(table, "ENABLE ALWAYS", user_only=True)
        self.env.invalidate_all(flush=False)

    def _set_triggers(self, table, verb, user_only=True):
        names = self.env.execute_query(
            SQL(
                """SELECT tgname FROM pg_trigger
                    WHERE tgrelid = %s::regclass AND NOT tgisinternal""",
                table,
            )
        )
        for (name,) in names:
            self.env.cr.execute(
                SQL(
                    "ALTER TABLE %s %s TRIGGER %s",
                    SQL.identifier(table),
                    SQL(verb),
                    SQL.identifier(name),
                )
            )

    def _run(self, partners=None, user=None, heal=False):
        """Run the checks as a guard manager (or ``user``)."""
        checks = self.env["guard.check"].with_user(user or self.manager)
        partner_ids = None if partners is None else partners.ids
        if not heal:
            return checks.run_all(partner_ids, self.company.ids)
        # Repairs have transactions of their own.
        with self.enter_registry_test_mode():
            return checks.run_all(partner_ids, self.company.ids, heal=True)

    def _findings(self, run, check=None, state=("open", "reopened")):
        return run.finding_ids.filtered(
            lambda finding: (not check or finding.check_code == check)
            and finding.state in state
        )

    def _item(self, move):
        return self._trade_items(move)

    def assertExplained(self, run):
        """Each difference is what its causes add up to."""
        for finding in run.finding_ids:
            named = sum(
                cause["amount"]
                for code, cause in finding.causes.items()
                if code != "unexplained"
            )
            self.assertAlmostEqual(finding.explained, named)
            self.assertAlmostEqual(
                finding.difference, finding.explained + finding.unexplained
            )
            self.assertAlmostEqual(
                finding.difference, finding.expected - finding.actual
            )
