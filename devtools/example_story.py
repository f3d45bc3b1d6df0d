"""The example company: a year of receivables, and what the three addons make of it.

Runs inside Odoo's Python: ``python -m devtools.example_story OPTIONS FILE [BILL ...]``
where OPTIONS are Odoo's.  Everything goes through Odoo's own documents, except the
faults that are planted on purpose: they are SQL, as a tampering hand would write it.
"""

import base64
import sys
from datetime import date
from math import ceil
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.tools import SQL, config

from .example_figures import ledger_figures

LIMITED = "limit_used"
ORDERS = 12
BILL_CURRENCIES = {"EUR": 0.9, "DKK": 6.7, "NOK": 10.0, "GBP": 0.8}


def main(arguments):
    """Tell the story in the database that the options name; print the summary."""
    paths = [text for text in arguments if not text.startswith("-")]
    options = [text for text in arguments if text.startswith("-")]
    config.parse_config(["--no-http", *options], setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env = env(user=env.ref("base.user_admin"))
        try:
            summary = tell(env, Path(paths[0]), [Path(path) for path in paths[1:]])
        except UserError as error:
            sys.exit(f"example: {error}")
    print_table(summary)


def tell(env, path, bills=()):
    """Replay the file and what follows from it; commit step by step.

    :return: list of ``(label, number, amount or note)``, the summary's lines
    """
    say(f"Replaying {path.name}")
    record = replay(env, path)
    say("Booking vendor bills, limits and orders")
    book_bills(env, bills)
    summary = summarize_ledger(env, record)
    if "credit.rule" in env:
        set_limits(env, record)
        set_rules(env)
        orders = place_orders(env)
        hold_disputed(env, orders.order_line.product_id)
        summary += summarize_credit(env, orders)
    env.cr.commit()
    if "guard.check" in env:
        env["subledger.account"]._seal()
        say("Planting faults and running the checks")
        faults = plant_faults(env, record)
        env.cr.commit()
        summary += summarize_guard(env, faults)
        env.cr.commit()
    return summary


def say(text):
    print(text, file=sys.stderr, flush=True)


# === THE YEAR ===


def replay(env, path):
    """Import the file up to the last day of the year of its last invoice."""
    from odoo.addons.sales_ledger_sync.cli.receivables_import import follow

    record = env["subledger.import"].create(
        {"file": base64.b64encode(path.read_bytes()), "file_name": path.name}
    )
    record.action_check()
    follow(record, "reading")
    last = max(record.line_ids.filtered("invoice_date").mapped("invoice_date"))
    record.last_date = date(last.year, 12, 31)
    record.action_check()
    follow(record, "reading")
    record.action_start()
    env.cr.commit()
    follow(record, "running")
    return record


def book_bills(env, paths):
    """Post vendor bills from Peppol files, in the currencies that they name."""
    for name, rate in BILL_CURRENCIES.items():
        currency = env.ref(f"base.{name}")
        currency.active = True
        if not currency.rate_ids and currency != env.company.currency_id:
            first_day = {"name": "2000-01-01", "rate": rate}
            currency.rate_ids = [Command.create(first_day)]
    journal = env["account.journal"].search(
        [("company_id", "=", env.company.id), ("type", "=", "purchase")], limit=1
    )
    for path in paths:
        attachment = env["ir.attachment"].create(
            {
                "name": path.name,
                "raw": path.read_bytes(),
                "mimetype": "application/xml",
            }
        )
        bill = journal._create_document_from_attachment(attachment.ids)
        bill.invoice_date = bill.invoice_date or date.today()
        bill.action_post()


def summarize_ledger(env, record):
    as_of = record.last_date
    found = ledger_figures(env, env.company, as_of)
    bills = env["subledger.entry"].search_count(
        [("company_id", "=", env.company.id), ("ledger", "=", "supplier")]
    )
    return [
        (f"As of {as_of}", None, None),
        ("Invoices", found["invoices"], found["invoiced"]),
        ("Payments", found["payments"], found["paid"]),
        ("Ledger entries", found["entries"], found["balance"]),
        ("Open invoices", found["open_invoices"], found["open_amount"]),
        ("Overdue invoices", found["overdue_invoices"], found["overdue_amount"]),
        ("Customers", len(found["balances"]), None),
        ("Vendor ledger entries", bills, None),
        ("Lines with errors", record.error_count, None),
    ]


# === CREDIT ===


def set_limits(env, record):
    """Give each customer the highest balance of the first half-year as limit."""
    middle = date(record.last_date.year, 6, 30)
    rows = env.execute_query(
        SQL(
            """
            SELECT partner_id, MAX(balance)
              FROM (SELECT partner_id,
                           SUM(debit - credit) OVER (
                               PARTITION BY partner_id ORDER BY date, id
                           ) AS balance
                      FROM subledger_entry
                     WHERE company_id = %s AND ledger = 'customer' AND date <= %s
                   ) AS history
             GROUP BY partner_id
            HAVING MAX(balance) > 0
            """,
            env.company.id,
            middle,
        )
    )
    for partner_id, highest in rows:
        step = 10 if highest < 1000 else 100
        env["res.partner"].browse(partner_id).write(
            {
                "use_partner_credit_limit": True,
                "credit_limit": ceil(highest / step) * step,
                "credit_limit_policy": "limit",
            }
        )


def set_rules(env):
    """Hold orders above the limit, warn about what is overdue."""
    rules = env["credit.rule"].with_context(active_test=False)
    shipped = rules.search(
        [("company_id", "=", env.company.id), ("rule_type", "=", LIMITED)]
    )
    if shipped:
        shipped.active = True
    else:
        rules.create({"name": "Credit limit used up", "rule_type": LIMITED})
    rules.create(
        {
            "name": "Anything overdue",
            "rule_type": "overdue_amount",
            "threshold": 0.0,
            "action": "warn",
        }
    )


def place_orders(env):
    """Confirm orders of the largest customers, every second one above the limit."""
    goods = create_goods(env)
    partners = env["res.partner"].search(
        [("credit_limit", ">", 0), ("company_id", "=", env.company.id)]
    )
    largest = partners.sorted("credit_limit", reverse=True)[:ORDERS]
    orders = env["sale.order"]
    for position, partner in enumerate(largest):
        room = max(partner.credit_limit - partner.credit_exposure, 0.0)
        above = room + 0.3 * partner.credit_limit
        amount = above if position % 2 else max(0.4 * room, 1.0)
        orders += create_order(env, partner, goods, amount)
    for order in orders:
        order.action_confirm()
    return orders


def create_goods(env):
    goods = env["product.product"].create(
        {
            "name": "Example goods",
            "type": "consu",
            "is_storable": True,
            "standard_price": 0.6,
            "taxes_id": [Command.clear()],
        }
    )
    warehouse = env["stock.warehouse"].search(
        [("company_id", "=", env.company.id)], limit=1
    )
    env["stock.quant"].with_context(inventory_mode=True).create(
        {
            "product_id": goods.id,
            "location_id": warehouse.lot_stock_id.id,
            "inventory_quantity": 1000.0,
        }
    ).action_apply_inventory()
    return goods


def create_order(env, partner, goods, amount):
    line = {"product_id": goods.id, "product_uom_qty": 1.0, "price_unit": amount}
    return env["sale.order"].create(
        {
            "partner_id": partner.id,
            "order_line": [Command.create({**line, "tax_ids": [Command.clear()]})],
        }
    )


def hold_disputed(env, goods):
    """Hold a new order of a customer who disputes an open invoice, by hand."""
    line = env["subledger.import.line"].search(
        [("disputed", "=", True), ("move_id.payment_state", "=", "not_paid")], limit=1
    )
    invoice = line.move_id
    if invoice:
        order = create_order(env, invoice.partner_id, goods, 1.0)
        reason = f"{invoice.name} ({invoice.ref}) is disputed and still open."
        order.apply_credit_hold(reason)


def summarize_credit(env, orders):
    holds = env["credit.hold"].search(
        [("company_id", "=", env.company.id), ("state", "=", "open")]
    )
    confirmed = orders.filtered(lambda order: order.state == "sale")
    return [
        ("Orders confirmed", len(confirmed), sum(confirmed.mapped("amount_total"))),
        ("Credit holds waiting", len(holds), sum(holds.mapped("amount_over"))),
    ]


# === FAULTS ===


def plant_faults(env, record):
    """Break three things; return ``{partner id: what was done}``."""
    invoices = record.line_ids.move_id.sorted("date", reverse=True)
    first, second, third = invoices.partner_id[:3]
    post_manual_entry(env, first, record.last_date)
    with_triggers_off(
        env,
        SQL(
            "UPDATE subledger_entry SET debit = debit + 9 WHERE id = %s", entry(second)
        ),
    )
    with_triggers_off(
        env, SQL("DELETE FROM subledger_entry WHERE id = %s", entry(third))
    )
    return {
        first.id: "manual entry, no document",
        second.id: "ledger entry raised by SQL",
        third.id: "ledger entry deleted by SQL",
    }


def entry(partner):
    """Return the id of the customer's latest sale in the ledger."""
    return (
        partner.env["subledger.entry"]
        .search(
            [("partner_id", "=", partner.id), ("transaction_type", "=", "sale")],
            order="id desc",
            limit=1,
        )
        .id
    )


def post_manual_entry(env, partner, day):
    journals = env["account.journal"]
    domain = journals._check_company_domain(env.company)
    journal = journals.search([*domain, ("type", "=", "general")], limit=1)
    sales = journals.search([*domain, ("type", "=", "sale")], limit=1)
    debit = {"account_id": partner.property_account_receivable_id.id, "debit": 210.0}
    credit = {"account_id": sales.default_account_id.id, "credit": 210.0}
    env["account.move"].create(
        {
            "journal_id": journal.id,
            "date": day,
            "ref": "Planted by the example: an entry without a document",
            "line_ids": [
                Command.create({**debit, "partner_id": partner.id}),
                Command.create(credit),
            ],
        }
    ).action_post()


def with_triggers_off(env, statement):
    """Run SQL that the ledger's triggers would refuse."""
    table = SQL.identifier("subledger_entry")
    names = env.execute_query(
        SQL(
            """SELECT tgname FROM pg_trigger
                WHERE tgrelid = 'subledger_entry'::regclass AND NOT tgisinternal"""
        )
    )
    triggers = [SQL.identifier(name) for (name,) in names]
    env.flush_all()
    for trigger in triggers:
        env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER %s", table, trigger))
    env.cr.execute(statement)
    for trigger in triggers:
        env.cr.execute(SQL("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, trigger))
    env.invalidate_all(flush=False)


def summarize_guard(env, faults):
    """Run all checks, mark what was planted, and count."""
    run = env["guard.check"].run_all(company_ids=env.company.ids)
    for finding in run.finding_ids:
        if done := faults.get(finding.partner_key):
            # Findings are written by the system only, notes on them as well.
            finding.sudo().message_post(body=f"Planted by the example: {done}.")
    passed = run.check_ids.filtered(lambda c: c.state == "done" and not c.found_count)
    lines = [
        (f"Checks passed of {len(run.check_ids)}", len(passed), None),
        ("Findings", len(run.finding_ids), None),
    ]
    causes = dict(run.finding_ids._fields["cause_code"]._description_selection(env))
    for partner_id, done in faults.items():
        found = run.finding_ids.filtered(lambda f, p=partner_id: f.partner_key == p)
        names = ", ".join(
            causes[code] for code in sorted(set(found.mapped("cause_code")))
        )
        lines.append((f"Planted: {done}", len(found), names))
    return lines


# === PRINTING ===


def print_table(lines):
    """Print labels, numbers and amounts in three columns."""
    width = max(len(label) for label, _number, _value in lines)
    for label, number, value in lines:
        shown = f"{value:>16,.2f}" if isinstance(value, float) else f"  {value or ''}"
        count = "" if number is None else f"{number:,}"
        print(f"  {label:<{width}} {count:>8} {shown}".rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
