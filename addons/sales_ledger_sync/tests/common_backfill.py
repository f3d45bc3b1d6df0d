from unittest.mock import patch

from odoo.fields import Command
from odoo.tools import SQL

from ..models.subledger_sync import SyncResult
from .common import SubledgerCommon


def engine_off(env):
    """Context in which documents are posted as if the addon was not there yet."""

    def write_nothing(self, *args, **kwargs):
        return SyncResult(entries=0, reversals=0, items=0)

    return patch.multiple(
        type(env["subledger.sync"]),
        _sync=write_nothing,
        _sync_new=write_nothing,
        _sync_first_posting=write_nothing,
    )


class BackfillCommon(SubledgerCommon):
    """A company with items from before its ledger: the engine is off for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {"subledger_start_date": "2026-06-01", "subledger_history": "none"}
        )
        cls.manager = cls.env["res.users"].create(
            {
                "name": "Ledger manager",
                "login": "ledger_manager",
                "group_ids": [
                    Command.link(
                        cls.env.ref("sales_ledger_sync.group_ledger_manager").id
                    )
                ],
                "company_ids": [Command.set(cls.company.ids)],
                "company_id": cls.company.id,
            }
        )

    def _old_documents(self):
        """Two invoices, a payment and manual items the ledger knows nothing of."""
        with engine_off(self.env):
            first = self._invoice(100, date="2026-01-10", invoice_date="2026-01-10")
            second = self._invoice(70, date="2026-07-10", invoice_date="2026-07-10")
            manual = self._entry_move(20, date="2026-01-12")
            nobody = self._entry_move(
                5, partner=self.env["res.partner"], date="2026-07-12"
            )
        documents = first + second + manual + nobody
        documents.flush_recordset()
        # They were posted before the ledger came.
        self.env.cr.execute(
            SQL(
                "UPDATE account_move SET subledger_posted_at = NULL WHERE id IN %s",
                documents._ids,
            )
        )
        documents.invalidate_recordset()
        return first, second, manual, nobody

    def _backfill(self, mode="full", start_date="2026-06-01", **values):
        return (
            self.env["subledger.backfill"]
            .with_user(self.manager)
            .create(
                {
                    "company_id": self.company.id,
                    "mode": mode,
                    "start_date": start_date,
                    **values,
                }
            )
        )

    def _run(self, backfill):
        """Start, and let the scheduled action do all of it."""
        backfill.action_start()
        self._run_job()
        return backfill

    def _run_job(self, after_commit=None, worker="ir_cron_backfill"):
        """Let the scheduled action work.

        :param after_commit: called each time with the number of items it did before
        """
        cron = self.env.ref(f"sales_ledger_sync.{worker}")
        commit = type(cron)._commit_progress

        def commit_and_tell(crons, processed=0, **kwargs):
            left = commit(crons, processed, **kwargs)
            self.env.invalidate_all()
            after_commit(processed)
            self.env.flush_all()
            # What was told of the job, it has to read again.
            crons.env.invalidate_all()
            return left

        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(cron),
                "_commit_progress",
                commit_and_tell if after_commit else commit,
            ),
        ):
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _entries(self, *domain):
        return self.env["subledger.entry"].search(
            [("company_id", "=", self.company.id), *domain], order="id"
        )

    def _balance(self, *domain):
        entries = self._entries(*domain)
        return sum(entries.mapped("debit")) - sum(entries.mapped("credit"))

    def _assert_verified(self):
        """Every balance is what the general ledger and the named causes say."""
        report = self.env["subledger.verify"]._verify(self.company)
        self.assertTrue(report["clean"], report)
