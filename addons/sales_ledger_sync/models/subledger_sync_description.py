import json

from odoo import api, models, tools
from odoo.tools import SQL

DOCUMENTS = (
    "out_invoice",
    "out_receipt",
    "out_refund",
    "in_invoice",
    "in_receipt",
    "in_refund",
)


class SubledgerSync(models.AbstractModel):
    """The sentence that an entry shows, made where the entry is made."""

    _inherit = "subledger.sync"

    @api.model
    def _get_labels(self):
        """Sentences of the ledger, in the language of who posts."""
        document = "{document}"
        return {
            "out_invoice": self.env._("Invoice %(document)s", document=document),
            "out_receipt": self.env._("Sales Receipt %(document)s", document=document),
            "out_refund": self.env._("Credit Note %(document)s", document=document),
            "in_invoice": self.env._("Vendor Bill %(document)s", document=document),
            "in_receipt": self.env._(
                "Purchase Receipt %(document)s", document=document
            ),
            "in_refund": self.env._(
                "Vendor Credit Note %(document)s", document=document
            ),
            "entry": self.env._("Journal Entry %(document)s", document=document),
            "payment": self.env._("Payment %(document)s", document=document),
            "payment_out_invoice": self.env._(
                "Payment for Invoice %(document)s", document=document
            ),
            "payment_in_invoice": self.env._(
                "Payment for Vendor Bill %(document)s", document=document
            ),
            "payment_out_refund": self.env._(
                "Payment for Credit Note %(document)s", document=document
            ),
            "payment_in_refund": self.env._(
                "Payment for Vendor Credit Note %(document)s", document=document
            ),
            "statement": self.env._("Bank Transaction %(document)s", document=document),
            "exchange_difference": self.env._(
                "Exchange Difference %(document)s", document=document
            ),
            "pos": self.env._("Point of Sale %(document)s", document=document),
            "opening": self.env._("Opening Balance"),
            "reversal": self.env._("Reversal of %(document)s", document=document),
        }

    @api.model
    @tools.ormcache("self.env.lang", "all_labels")
    def _get_labels_json(self, all_labels):
        """The labels, or only those of documents and bank transactions."""
        labels = self._get_labels()
        if not all_labels:
            labels = {kind: labels[kind] for kind in (*DOCUMENTS, "statement", "entry")}
        return json.dumps(labels)

    @api.model
    def _description_sql(self, parts):
        document = SQL("reference")
        payment = unsourced = SQL()
        if parts.payment:
            document = SQL("settled.name, reference")
            payment = SQL(
                """
                    WHEN settled.move_type IS NOT NULL
                         THEN 'payment_' || replace(settled.move_type, 'receipt',
                                                    'invoice')
                    WHEN origin_payment_id IS NOT NULL THEN 'payment'
                """
            )
        if parts.unsourced:
            unsourced = SQL(
                """
                    WHEN source_type IN ('exchange_difference', 'pos')
                         THEN source_type
                """
            )
        return SQL(
            """replace(
                %(labels)s::jsonb ->> CASE
                    WHEN document_type <> 'entry' THEN document_type
                    %(payment)s
                    WHEN statement_line_id IS NOT NULL THEN 'statement'
                    %(unsourced)s
                    ELSE 'entry' END,
                '{document}', COALESCE(%(document)s, ''))""",
            labels=self._get_labels_json(parts.payment or parts.unsourced),
            payment=payment,
            unsourced=unsourced,
            document=document,
        )

    @api.model
    def _settled_document_sql(self, parts):
        """The invoices a payment is for, as far as known when it is posted: those
        it was made for, or the one its memo names."""
        if not parts.payment:
            return SQL()
        return SQL(
            """
            LEFT JOIN LATERAL (
                SELECT MIN(invoice.move_type) AS move_type,
                       string_agg(invoice.name, ', ' ORDER BY invoice.id) AS name
                  FROM account_payment AS payment
                 CROSS JOIN LATERAL (
                        SELECT link.invoice_id AS id
                          FROM account_move__account_payment AS link
                         WHERE link.payment_id = payment.id
                         UNION
                        SELECT named.id
                          FROM account_move AS named
                         WHERE named.name = payment.memo AND named.state = 'posted'
                           -- lets the unique index of posted names serve
                           AND named.name <> '/'
                           AND named.company_id = payment.company_id
                       ) AS paid
                  JOIN account_move AS invoice ON invoice.id = paid.id
                 -- not looked for at all with an item that is of no payment
                 WHERE difference.origin_payment_id IS NOT NULL
                   AND payment.id = difference.origin_payment_id
                   AND invoice.move_type <> 'entry'
            ) AS settled ON TRUE
            """
        )
