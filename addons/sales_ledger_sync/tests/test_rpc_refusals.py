import json
from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestRpcRefusals(HttpCase, SubledgerCommon):
    """What a program with the administrator's key is told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.env.ref("base.user_admin")
        cls.admin.write(
            {
                "company_ids": [Command.link(cls.company.id)],
                "company_id": cls.company.id,
            }
        )
        cls.entry = cls._entries(cls._invoice(100))
        expiration = fields.Datetime.now() + timedelta(days=1)
        keys = cls.env["res.users.apikeys"].with_user(cls.admin)
        cls.key = keys._generate(None, "ledger", expiration)

    def _call(self, model, method, **arguments):
        return self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(arguments),
            headers={
                "Authorization": f"bearer {self.key}",
                "Content-Type": "application/json",
            },
        )

    def assertRefused(self, method, **arguments):
        with mute_logger("odoo.http", "odoo.sql_db"):
            response = self._call("subledger.entry", method, **arguments)
        self.assertIn(response.status_code, (403, 422), response.text)
        return response.json()["message"]

    def test_entries_are_read_only(self):
        ids = self.entry.ids
        message = self.assertRefused("write", ids=ids, vals={"debit": 1})
        self.assertIn("reversal and a new entry", message)
        self.assertRefused("create", vals_list=[{"debit": 1}])
        self.assertRefused("unlink", ids=ids)
        self.assertRefused("_sync_moves", move_ids=[1])
        self.assertEqual(self.entry.debit, 100.0)

    def test_database_refuses_with_a_sentence(self):
        """Past the ORM, as a method of another addon may work."""
        entries = self.registry["subledger.entry"]
        for statement in (
            "UPDATE subledger_entry SET debit = 1 WHERE id = %s",
            "DELETE FROM subledger_entry WHERE id = %s",
        ):

            def meddle(records, statement=statement):
                records.env.cr.execute(statement, records.ids)

            with patch.object(entries, "action_open_document", meddle):
                message = self.assertRefused("action_open_document", ids=self.entry.ids)
            self.assertEqual(
                message,
                "The operation cannot be completed: Subledger entries are written by "
                "the system and are never changed or deleted. Correct the journal "
                "entry instead: the ledger follows with a reversal and a new entry.",
            )
        self.assertEqual(self._entries(self.entry.move_id).debit, 100.0)

    def test_entries_can_be_read(self):
        response = self._call(
            "subledger.entry", "read", ids=self.entry.ids, fields=["debit", "status"]
        )
        self.assertEqual(response.json()[0]["debit"], 100.0)
        self.assertEqual(response.json()[0]["status"], "open")
