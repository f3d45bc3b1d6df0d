from collections import defaultdict

from odoo import Command, models
from odoo.exceptions import UserError


class SubledgerImport(models.Model):
    """From lines to posted invoices and payments, through Odoo's own documents."""

    _inherit = "subledger.import"

    def _book(self, lines):
        """Book lines whole: customer, posted invoice, posted and reconciled payment.

        :raise UserError: Odoo refuses one of the documents; nothing may be kept then
        """
        customers = self._get_customers(lines)
        invoices = self._create_invoices(lines, customers)
        payments = self._create_payments(lines, invoices)
        for line, invoice in zip(lines, invoices, strict=True):
            payment = payments.get(line) or invoice.upfront_payment_id
            # Lines are written by the import only.
            line.sudo().write(
                {
                    "state": "done",
                    "message": False,
                    "move_id": invoice.id,
                    "payment_id": payment.id,
                }
            )
        self.env.flush_all()

    def _is_paid_at_creation(self, line):
        return line.settled_date == line.invoice_date

    def _is_paid_later(self, line):
        settled = line.settled_date
        return (
            settled
            and not self._is_paid_at_creation(line)
            and not (self.last_date and settled > self.last_date)
        )

    # === CUSTOMERS ===

    def _get_customers(self, lines):
        """Return ``{customer of the file: partner}``; missing ones are created."""
        wanted = dict.fromkeys(lines.mapped("customer"))
        partners = self.env["res.partner"]
        domain = [
            *partners._check_company_domain(self.company_id),
            ("ref", "in", list(wanted)),
        ]
        found = {partner.ref: partner for partner in partners.search(domain)[::-1]}
        missing = [name for name in wanted if name not in found]
        regions = {line.customer: line.region for line in lines if line.region}
        # Whoever may import may have the customers of the file created with it; an
        # accountant has no right to create contacts otherwise.
        created = partners.sudo().create(
            [self._prepare_customer_vals(name, regions.get(name)) for name in missing]
        )
        return {**found, **dict(zip(missing, created.sudo(False), strict=True))}

    def _prepare_customer_vals(self, name, region):
        vals = {
            "name": name,
            "ref": name,
            "company_id": self.company_id.id,
            "customer_rank": 1,
        }
        if region:
            vals["category_id"] = [Command.link(self._get_region_tag(region).id)]
        return vals

    def _get_region_tag(self, region):
        name = self.env._("Region %(name)s", name=region)
        # Tags are shared settings, created on the same grounds as the customers.
        tags = self.env["res.partner.category"].sudo()
        tag = tags.search([("name", "=", name)], limit=1) or tags.create({"name": name})
        return tag.sudo(False)

    # === INVOICES ===

    def _create_invoices(self, lines, customers):
        """Create and post one invoice per line, in the order of the lines."""
        invoices = self.env["account.move"].create(
            [
                self._prepare_invoice_vals(line, customers[line.customer])
                for line in lines
            ]
        )
        disputed = lines.filtered("disputed")
        invoices.filtered(lambda i: i.ref in set(disputed.mapped("invoice_number")))[
            "no_followup"
        ] = True
        invoices.action_post()
        self._check_dates(lines, invoices)
        return invoices

    def _check_dates(self, lines, invoices):
        """Refuse invoices that a lock date moved: they belong to their own day."""
        for line, invoice in zip(lines, invoices, strict=True):
            if invoice.date != line.invoice_date:
                raise UserError(
                    self._get_lock_text(line.invoice_date)
                    or self.env._("Odoo moved the invoice to another date.")
                )

    def _prepare_invoice_vals(self, line, customer):
        """Values of the invoice. To be extended by modules that add facts to it."""
        vals = {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "journal_id": self.journal_id.id,
            "partner_id": customer.id,
            "ref": line.invoice_number,
            "invoice_origin": self.name,
            "invoice_date": line.invoice_date,
            "date": line.invoice_date,
            "invoice_payment_term_id": False,
            "invoice_date_due": line.due_date,
            "currency_id": self.currency_id.id,
            "invoice_line_ids": [Command.create(self._prepare_item_vals(line))],
        }
        if line.disputed:
            vals["narration"] = self.env._("Disputed by the customer.")
        if self._is_paid_at_creation(line):
            vals["upfront_payment_amount"] = line.amount
            vals["upfront_payment_journal_id"] = self.payment_journal_id.id
        return vals

    def _prepare_item_vals(self, line):
        # Amounts of the file include whatever tax there was.
        return {
            "name": self.env._("Invoice %(number)s", number=line.invoice_number),
            "quantity": 1.0,
            "price_unit": line.amount,
            "tax_ids": [Command.clear()],
        }

    # === PAYMENTS ===

    def _create_payments(self, lines, invoices):
        """Return ``{line: payment}`` of the lines that were settled later."""
        paid = [
            (line, invoice)
            for line, invoice in zip(lines, invoices, strict=True)
            if self._is_paid_later(line)
        ]
        payments = self.env["account.payment"].create(
            [self._prepare_payment_vals(line, invoice) for line, invoice in paid]
        )
        payments.action_post()
        self._reconcile(invoice for _line, invoice in paid)
        return {line: p for (line, _invoice), p in zip(paid, payments, strict=True)}

    def _prepare_payment_vals(self, line, invoice):
        """Values of the payment. To be extended by modules that add facts to it."""
        account = invoice.line_ids.account_id.filtered(
            lambda account: account.account_type == "asset_receivable"
        )
        return {
            "date": line.settled_date,
            "amount": line.amount,
            "currency_id": self.currency_id.id,
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": invoice.commercial_partner_id.id,
            "company_id": self.company_id.id,
            "journal_id": self.payment_journal_id.id,
            "destination_account_id": account.id,
            "memo": line.invoice_number,
            "invoice_ids": [Command.link(invoice.id)],
        }

    def _reconcile(self, invoices):
        plan = []
        for invoice in invoices:
            items = invoice.line_ids + invoice.matched_payment_ids.move_id.line_ids
            open_items = defaultdict(self.env["account.move.line"].browse)
            for item in items:
                if item.account_type == "asset_receivable" and not item.reconciled:
                    open_items[item.account_id] += item
            plan += open_items.values()
        if plan:
            self.env["account.move.line"]._reconcile_plan(plan)
