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
        """SQL of the sentence; only what the ``parts`` need."""
        cases = [SQL("WHEN document_type <> 'entry' THEN document_type")]
        if parts.payment:
            cases.append(SQL("WHEN origin_payment_id IS NOT NULL THEN 'payment'"))
        cases.append(SQL("WHEN statement_line_id IS NOT NULL THEN 'statement'"))
        if parts.unsourced:
            cases.append(
                SQL(
                    """WHEN source_type IN ('exchange_difference', 'pos')
                            THEN source_type"""
                )
            )
        labels = self._get_labels_json(parts.payment or parts.unsourced)
        sentence = SQL(
            """replace(%(labels)s::jsonb ->> CASE %(cases)s ELSE 'entry' END,
                       '{document}', COALESCE(reference, ''))""",
            labels=labels,
            cases=SQL(" ").join(cases),
        )
        if not parts.payment:
            return sentence
        return SQL(
            """CASE WHEN origin_payment_id IS NULL THEN %(sentence)s
                    ELSE COALESCE(%(settling)s, %(sentence)s) END""",
            sentence=sentence,
            settling=self._settling_sql(labels),
        )

    @api.model
    def _settling_sql(self, labels):
        """SQL of the sentence of a payment for invoices, as far as known when it is
        posted: those it was made for, or the one its memo names; NULL if there is
        none."""
        return SQL(
            """(
                SELECT replace(
                           %(labels)s::jsonb ->> (
                               'payment_' || replace(MIN(invoice.move_type), 'receipt',
                                                     'invoice')),
                           '{document}',
                           string_agg(invoice.name, ', ' ORDER BY invoice.id))
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
                 WHERE payment.id = difference.origin_payment_id
                   AND invoice.move_type <> 'entry'
            )""",
            labels=labels,
        )
