"""Server time of each main screen on the example's data, 500 ms at most.

    ./dev bench bench_pages [FILE]

FILE is a file of receivables; without it the shipped sample is replayed. Measured are
the calls that the web client makes to open a screen as its menu opens it (default
filters and groups), the first group of a grouped list, the first record, the pivot and
the graph, and each filter and grouping of the search menu, of which the slowest is
printed.
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
from odoo.tools.safe_eval import safe_eval  # noqa: E402

from devtools.example import BILLS, SAMPLE  # noqa: E402
from devtools.example_story import tell  # noqa: E402

BOUND = 0.5
ROUNDS = 3
KINDS = ("list", "group", "record", "pivot", "graph")
LEDGER, CREDIT, GUARD = "sales_ledger_sync", "credit_control", "balance_guard"
SCREENS = (
    f"{LEDGER}.action_customer_ledger",
    f"{LEDGER}.action_supplier_ledger",
    f"{LEDGER}.action_customer_account",
    f"{LEDGER}.action_supplier_account",
    f"{LEDGER}.action_receivables_curve",
    f"{LEDGER}.subledger_backfill_action",
    f"{LEDGER}.action_subledger_import",
    f"{CREDIT}.credit_hold_action",
    f"{CREDIT}.res_partner_action_credit",
    f"{CREDIT}.credit_limit_action",
    f"{CREDIT}.credit_rule_action",
    f"{GUARD}.action_guard_dashboard",
    f"{GUARD}.action_guard_finding",
    f"{GUARD}.action_guard_run",
    f"{GUARD}.action_guard_heal",
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
        print(f"\n{'screen':44}" + "".join(f"{kind:>8}" for kind in KINDS))
        return max([measure(env, name) for name in SCREENS]) > BOUND


def measure(env, name):
    """Print the times of one screen; return the longest one in seconds."""
    screen = Screen(env, name)
    times = {kind: screen.time_view(kind) for kind in KINDS[3:] if screen.has(kind)}
    times["list"], found = best(screen.open_list)
    if screen.groups and found:
        times["group"], found = best(lambda: screen.search(found))
    if found and screen.has("form"):
        times["record"], _values = best(lambda: screen.open_form(found[0]["id"]))
    label, slowest = screen.find_slowest_filter()
    cells = (f"{times[k] * 1000:8.0f}" if k in times else f"{'':8}" for k in KINDS)
    tail = f"  {slowest * 1000:6.0f} {label}" if label else ""
    print(f"{name:44}{''.join(cells)}{tail}".rstrip(), flush=True)
    return max(slowest, *times.values())


def best(job):
    """Return the shortest time of some rounds, and the result."""
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return min(times), result


class Screen:
    """An action of a menu, and the calls with which the web client shows it."""

    def __init__(self, env, name):
        record = env.ref(name)
        action = env[record._name]._for_xml_id(name)
        self.variables = dict(record._get_eval_context())
        self.context = self.evaluate(action["context"], {})
        self.model = env[action["res_model"]].with_context(self.context)
        self.kinds = action["view_mode"].split(",")
        self.first = next(kind for kind in self.kinds if kind in ("list", "kanban"))
        self.filters = list(self.get_arch("search").iter("filter"))
        self.domain, self.groups = self.evaluate(action["domain"], []), []
        for node in self.filters:
            if self.context.get(f"search_default_{node.get('name')}"):
                domain, groups = self.read_filter(node)
                self.domain, self.groups = self.domain + domain, self.groups + groups

    def evaluate(self, text, default):
        return safe_eval(text, dict(self.variables)) if text else default

    def read_filter(self, node):
        """Return what a filter of the search view adds: a domain, and groups."""
        domain = self.evaluate(node.get("domain"), [])
        context = self.evaluate(node.get("context"), {})
        groups = context.get("group_by", [])
        groups = [groups] if isinstance(groups, str) else groups
        return domain, [self.add_interval(group) for group in groups]

    def add_interval(self, group):
        """The client groups dates by month where the view does not say."""
        dated = self.model._fields[group.split(":")[0]].type in ("date", "datetime")
        return f"{group}:month" if dated and ":" not in group else group

    def has(self, kind):
        return kind in self.kinds

    def get_arch(self, kind):
        views = self.model.get_views([[False, kind]])
        return etree.fromstring(views["views"][kind]["arch"])

    def specify(self, kind):
        """What the client asks for: the view's fields, names of linked records."""
        fields = self.model._fields
        names = {node.get("name") for node in self.get_arch(kind).iter("field")}
        return {
            name: {"fields": {"display_name": {}}}
            if fields[name].type == "many2one"
            else {}
            for name in names & set(fields)
        }

    def get_aggregates(self, names):
        fields = self.model._fields
        return ["__count"] + [
            f"{name}:{fields[name].aggregator}"
            for name in sorted(names)
            if fields[name].aggregator and self.model._fields[name].store
        ]

    def open_list(self):
        """Return the groups of a grouped list, else the first records."""
        self.model.env.invalidate_all()
        self.model.get_views([[False, self.first], [False, "search"]])
        if not self.groups:
            return self.search(None)
        aggregates = self.get_aggregates(self.specify(self.first))
        answer = self.model.web_read_group(
            self.domain, self.groups[:1], aggregates, limit=80
        )
        return answer["groups"]

    def search(self, groups, domain=()):
        """Return the first records, of the first of ``groups`` if there are any."""
        self.model.env.invalidate_all()
        inside = groups[0]["__extra_domain"] if groups else []
        found = self.model.web_search_read(
            [*self.domain, *inside, *domain], self.specify(self.first), limit=80
        )
        return found["records"]

    def open_form(self, record_id):
        self.model.env.invalidate_all()
        record = self.model.browse(record_id)
        record.get_views([[False, "form"]])
        return record.web_read(self.specify("form"))

    def time_view(self, kind):
        """Return the time of a pivot or a graph as the view proposes it."""
        arch = self.get_arch(kind)
        nodes = [node for node in arch.iter("field") if node.get("name")]
        names = {node.get("name") for node in nodes if node.get("type") == "measure"}
        # Of each field by which the view groups, all of them together.
        groups = [
            self.add_interval(
                ":".join(filter(None, (node.get("name"), node.get("interval"))))
            )
            for node in nodes
            if node.get("type") != "measure" and not node.get("invisible")
        ]
        aggregates = self.get_aggregates(names)

        def read():
            self.model.env.invalidate_all()
            sets = [groups[:size] for size in range(len(groups) + 1)]
            self.model.formatted_read_grouping_sets(self.domain, sets, aggregates)

        return best(read)[0]

    def find_slowest_filter(self):
        """Return the label and the time of the slowest choice in the search menu."""
        times = {None: 0.0}
        for node in self.filters:
            domain, groups = self.read_filter(node)
            label = node.get("string") or node.get("name")
            if any(self.is_property(group) for group in groups):
                continue
            if groups:
                times[label], _found = best(lambda g=groups: self.group(g))
            elif domain:
                times[label], _found = best(lambda d=domain: self.search(None, d))
        label = max(times, key=times.get)
        return label, times[label]

    def is_property(self, group):
        """Properties are grouped one by one, after somebody has defined some."""
        return self.model._fields[group.split(":")[0]].type == "properties"

    def group(self, groups):
        self.model.env.invalidate_all()
        aggregates = self.get_aggregates(self.specify(self.first))
        return self.model.web_read_group(self.domain, groups, aggregates, limit=80)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
