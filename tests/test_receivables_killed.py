"""An import of receivables that is killed between invoice and payment, and resumed."""

import base64
from datetime import date
from pathlib import Path

from odoo.addons.sales_ledger_sync.tests import receivables_oracle

from devtools.example_figures import ledger_figures

from .clones import committing_registry, ensure_chart, environment
from .killed_child import run_until_killed

LINES, BATCH = 12, 3
SAMPLE = (
    Path(__file__).parents[1]
    / "addons/sales_ledger_sync/data/example/receivables_sample.csv"
)

# Kills itself with the invoices of the third batch posted, none of them paid.
CHILD = """
    from odoo.addons.sales_ledger_sync.models import subledger_import_job as job

    job.ROWS_PER_BATCH = int(sys.argv[2])
    model = registry["subledger.import"]
    create_payments = model._create_payments
    batches = []

    def pay_and_die(self, lines, invoices):
        batches.append(lines)
        if len(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return create_payments(self, lines, invoices)

    model._create_payments = pay_and_die
    with registry.cursor() as cr:
        api.Environment(cr, api.SUPERUSER_ID, {})["subledger.import"]._cron_import()
"""


def prepare(env, path):
    """An import that is started."""
    ensure_chart(env)
    record = env["subledger.import"].create(
        {"file": base64.b64encode(path.read_bytes()), "file_name": path.name}
    )
    record.action_check()
    record.action_start()
    return record.id


def test_killed_between_invoice_and_payment_and_resumed(tmp_path):
    path = tmp_path / "year.csv"
    path.write_text("".join(SAMPLE.read_text().splitlines(keepends=True)[: LINES + 1]))
    with committing_registry() as registry:
        with environment(registry) as env:
            record_id = prepare(env, path)
        run_until_killed(registry, CHILD, BATCH)
        with environment(registry) as env:
            record = env["subledger.import"].browse(record_id)
            assert (record.state, record.done_count) == ("running", 2 * BATCH)
            moves = env["account.move"].search([("move_type", "=", "out_invoice")])
            assert moves == record.line_ids.move_id.sorted(moves._order)
            # What Odoo's scheduler does after a crash: run the job again.
            env["subledger.import"]._cron_import()
            assert (record.state, record.done_count) == ("done", LINES)
        with environment(registry) as env:
            expected = receivables_oracle.figures(path, date.max)
            found = ledger_figures(env, env.company, date.max)
            assert found["invoices"] == expected.invoices == LINES
            assert found["payments"] == expected.payments
            assert f"{found['paid']:.2f}" == f"{expected.paid:.2f}"
            assert f"{found['open_amount']:.2f}" == f"{expected.open_amount:.2f}"
