"""Server time of each main screen on the example's data, 500 ms at most.

    ./dev bench bench_pages [FILE]

FILE is a file of receivables; without it the shipped sample is replayed. Measured are
the calls that the web client makes to open a list and its first record.
"""

import os
import sys
import time
from pathlib import Path

from lxml import etree

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from odoo import SUPERUSER_ID, api  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.tools import config  # noqa: E402

from devtools.example import BILLS, SAMPLE  # noqa: E402
from devtools.example_story import tell  # noqa: E402

BOUND = 0.5
ROUNDS = 3
LEDGER, CREDIT, GUARD = "sales_ledger_sync", "credit_control", "balance_guard"
SCREENS = (
    f"{LEDGER}.action_customer_ledger",
    f"{LEDGER}.action_supplier_ledger",
    f"{LEDGER}.action_customer_account",
    f"{LEDGER}.subledger_backfill_action",
    f"{LEDGER}.action_subledger_import",
    f"{CREDIT}.credit_hold_action",
    f"{CREDIT}.res_partner_action_credit",
    f"{CREDIT}.credit_limit_action",
    f"{CREDIT}.credit_rule_action",
    f"{GUARD}.action_guard_dashboard",
    f"{GUARD}.action_guard_finding",
    f"{GUARD}.action_guard_run",
    "account.action_move_out_invoice_type",
    "sale.action_orders",
    "account.res_partner_action_customer",
)


def main(arguments):
    config.parse_config(["--log-level=error", "--log-handler=py.warnings:CRITICAL"])
    path = Path(arguments[0]) if arguments else ROOT / "addons" / SAMPLE
    with Registry(os.environ["BENCH_DATABASE"]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env = env(user=env.ref("base.user_admin"))
        tell(env, path, sorted((ROOT / "addons").glob(BILLS)))
        cr.execute("ANALYZE")
        cr.commit()
        print(f"\n{'screen':48} {'list ms':>8} {'record ms':>10}")
        return max([measure(env, name) for name in SCREENS]) > BOUND


def measure(env, name):
    """Print both times of one screen; return the longer one in seconds."""
    action = env[env.ref(name)._name]._for_xml_id(name)
    context = env.ref(name)._get_eval_context()
    domain = eval_or(action["domain"], context, [])
    model = env[action["res_model"]].with_context(
        eval_or(action["context"], context, {})
    )
    kinds = [kind for kind in action["view_mode"].split(",") if kind != "form"]
    listed, ids = best(lambda: open_list(model, kinds[0], domain))
    record = best(lambda: open_form(model.browse(ids[0])))[0] if ids else 0.0
    print(f"{name:48} {listed * 1000:8.0f} {record * 1000:10.0f}", flush=True)
    return max(listed, record)


def eval_or(text, context, default):
    from odoo.tools.safe_eval import safe_eval

    return safe_eval(text, dict(context)) if text else default


def best(job):
    """Return the shortest time of some rounds, and the result."""
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return min(times), result


def open_list(model, kind, domain):
    model.env.invalidate_all()
    views = model.get_views([[False, kind], [False, "search"]])
    found = model.web_search_read(domain, spec(model, views, kind), limit=80)
    return [record["id"] for record in found["records"]]


def open_form(record):
    record.env.invalidate_all()
    views = record.get_views([[False, "form"]])
    return record.web_read(spec(record, views, "form"))


def spec(model, views, kind):
    """What the client asks for: the fields of the view, names of linked records."""
    arch = etree.fromstring(views["views"][kind]["arch"])
    names = {node.get("name") for node in arch.iter("field")} & set(model._fields)
    return {
        name: {"fields": {"display_name": {}}}
        if model._fields[name].type == "many2one"
        else {}
        for name in names
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
