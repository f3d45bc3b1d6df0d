import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestGuards(SubledgerCommon):
    """Nobody changes or removes an entry, neither here nor in the database."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._invoice(100)
        cls.entry = cls._entries(cls.invoice)

    def assertDatabaseRefuses(self, statement, *args, error=None):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(
                psycopg2.errors.lookup("23001") if error is None else error,
                "append-only" if error is None else "",
            ),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(SQL(statement, *args))

    def test_orm_refuses_everybody(self):
        for user in (self.env.user, self.env.ref("base.user_admin"), self.biller):
            for entry in (
                self.entry.with_user(user),
                self.entry.with_user(user).sudo(),
                self.entry.with_user(user).sudo().with_context(force_delete=True),
            ):
                with self.subTest(user=user.login, su=entry.env.su):
                    with self.assertRaises(UserError):
                        entry.write({"debit": 1})
                    with self.assertRaises(UserError):
                        entry.create({"debit": 1})
                    with self.assertRaises(UserError):
                        entry.unlink()
        self.assertEqual(self.entry.debit, 100)

    def test_currency_in_use_stays(self):
        """Entries outlive the items whose keys hold the currency in the database."""
        currency = self.env["res.currency"].create({"name": "XLC", "symbol": "x"})
        move = self._invoice(currency_id=currency.id)
        move.button_draft()
        move.with_context(force_delete=True).unlink()
        with self.assertRaisesRegex(UserError, "XLC"):
            currency.unlink()

    def test_orm_refuses_on_accounts(self):
        with self._sealing() as accounts:
            accounts._seal()
        head = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )
        for operation in (
            lambda: head.sudo().write({"sealed_balance": 0}),
            lambda: head.sudo().create({"sealed_balance": 0}),
            lambda: head.sudo().unlink(),
        ):
            with self.assertRaises(UserError):
                operation()

    def test_update_refused_before_and_after_sealing(self):
        for column in ("debit", "create_uid", "date", "version"):
            with self.subTest(column=column):
                self.assertDatabaseRefuses(
                    f"UPDATE subledger_entry SET {column} = NULL WHERE id = %s",
                    self.entry.id,
                )
        with self._sealing() as accounts:
            accounts._seal()
        for column in ("debit", "number", "balance_after", "hash"):
            with self.subTest(column=column):
                self.assertDatabaseRefuses(
                    f"UPDATE subledger_entry SET {column} = NULL WHERE id = %s",
                    self.entry.id,
                )

    def test_half_sealed_refused(self):
        self.assertDatabaseRefuses(
            "UPDATE subledger_entry SET number = 1 WHERE id = %s",
            self.entry.id,
            error=psycopg2.errors.CheckViolation,
        )

    def test_delete_and_truncate_refused(self):
        self.assertDatabaseRefuses(
            "DELETE FROM subledger_entry WHERE id = %s", self.entry.id
        )
        self.assertDatabaseRefuses("TRUNCATE subledger_entry")

    def test_replica_role_refused(self):
        """As a restore or a bulk loader does, where ordinary triggers sleep."""
        self.env.cr.execute("SET LOCAL session_replication_role = replica")
        self.assertDatabaseRefuses(
            "DELETE FROM subledger_entry WHERE id = %s", self.entry.id
        )
        self.env.cr.execute("SET LOCAL session_replication_role = origin")

    def _copy_of_entry(self, **changes):
        columns = self.env["subledger.entry"]._get_guarded_columns()
        columns.remove("id")
        names = SQL(", ").join(map(SQL.identifier, columns))
        values = SQL(", ").join(
            SQL("%s", changes[column]) if column in changes else SQL.identifier(column)
            for column in columns
        )
        return SQL(
            "INSERT INTO subledger_entry (%s) SELECT %s FROM subledger_entry"
            " WHERE id = %s",
            names,
            values,
            self.entry.id,
        )

    def assertUnique(self, statement):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(statement)

    def test_exactly_once(self):
        self.assertUnique(self._copy_of_entry())

    def test_reversed_once(self):
        reversal = {"event": "reversal", "reversal_of_id": self.entry.id}
        self.env.cr.execute(self._copy_of_entry(**reversal))
        self.assertUnique(self._copy_of_entry(**reversal, version=2))

    def test_number_taken_once(self):
        seal = {"number": 1, "balance_after": 0, "hash": "x"}
        columns = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), value) for name, value in seal.items()
        )
        other = self._entries(self._invoice(1))
        update = "UPDATE subledger_entry SET %s WHERE id = %s"
        self.env.cr.execute(SQL(update, columns, self.entry.id))
        self.assertUnique(SQL(update, columns, other.id))

    def test_nothing_follows_foreign_keys(self):
        """Merge tools rewrite, and deletions cascade along, foreign keys only."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
                    WHERE contype = 'f' AND conrelid IN (
                        'subledger_entry'::regclass, 'subledger_account'::regclass)"""
            )
        )
        self.assertEqual({name for (name,) in rows}, {"res_company", "res_currency"})

    def test_triggers_survive_an_update_of_the_module(self):
        self.env["subledger.entry"].init()
        self.env["subledger.entry"].init()
        self.test_delete_and_truncate_refused()

    def test_column_of_a_later_version(self):
        """The update that adds a column may fill it, and guards it from then on."""
        with self._sealing() as accounts:
            accounts._seal()
        self.env.cr.execute("ALTER TABLE subledger_entry ADD COLUMN later varchar")
        self.env.cr.execute("UPDATE subledger_entry SET later = 'default'")
        self.env["subledger.entry"].init()
        self.assertDatabaseRefuses(
            "UPDATE subledger_entry SET later = 'x' WHERE id = %s", self.entry.id
        )

    def test_reader_reads(self):
        self.assertEqual(self.entry.with_user(self.biller).debit, 100)
        with self.assertRaises(AccessError):
            self.entry.with_user(self.env.ref("base.public_user")).debit  # noqa: B018
