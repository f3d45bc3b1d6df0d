"""Reading exposure for a decision: under a lock, and as of this very moment."""

from contextlib import contextmanager
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from .credit_exposure_sources import OWN_ROW


class DocumentView(NamedTuple):
    """Open documents as one transaction sees them."""

    backend: int
    ledger: float
    documents: dict

    @property
    def total(self):
        """Everything that is seen, added up."""
        return self.ledger + sum(amount for amount, _own in self.documents.values())


class CreditLocks:
    """The locks of one decision, which may be given back before its transaction ends.

    PostgreSQL gives locks back with the savepoint after which they were taken. So
    nothing may be written between taking and giving back.
    """

    def __init__(self, cr):
        self._cr = cr
        self._is_taken = False
        #: Whether the transaction has changed anything that others cannot see yet
        self.has_written = False

    def take(self, root, keys):
        """Let decisions about these credit accounts wait for each other.

        Held until the end of the transaction, so the next decision starts when this
        one can be seen (or was taken back), or until they are given back because the
        decision adds nothing. Taken in a fixed order against deadlocks.
        A lock alone would not do: this transaction keeps its old snapshot, therefore
        :meth:`CreditExposure._get_decision_exposure` reads through another connection.

        :param root: root company, which has the credit area
        :param keys: ``("partner" | "group", id)`` of each credit account
        """
        names = [f"credit_control:{root.id}:{kind}:{id_}" for kind, id_ in keys]
        self._cr.execute(
            SQL(
                """%s
                SELECT pg_advisory_xact_lock(hashtextextended(name, 0)),
                       pg_current_xact_id_if_assigned() IS NOT NULL
                  FROM unnest(%s::text[]) AS name""",
                SQL() if self._is_taken else SQL("SAVEPOINT credit_locks;"),
                sorted(set(names)),
            )
        )
        self._is_taken = True
        self.has_written = any(written for _lock, written in self._cr.fetchall())

    def give_back(self):
        """Let others decide at once."""
        if self._is_taken:
            self._cr.execute("ROLLBACK TO SAVEPOINT credit_locks")

    def keep(self):
        """Hold what is held until the transaction ends."""
        if self._is_taken:
            self._cr.execute("RELEASE SAVEPOINT credit_locks")


class CreditExposure(models.AbstractModel):
    _inherit = "credit.exposure"

    @api.model
    @contextmanager
    def _serialized(self):
        """Context in which a decision takes locks and reads, and writes nothing.

        :return: the :class:`CreditLocks`
        """
        # What is pending would be lost with the locks
        self.env.flush_all()
        locks = CreditLocks(self.env.cr)
        yield locks
        locks.keep()

    @api.model
    def _get_decision_exposure(self, root, partner_ids, has_written=True):
        """Exposure of these customers together, as of now.

        To be called where nothing is pending, and the locks are held: see
        :meth:`_serialized` and :meth:`CreditLocks.take`.

        What other transactions have committed is read through a fresh connection, what
        this transaction has changed and not committed through its own. Document by
        document the version of the one that changed it last is taken: that it was this
        transaction shows in the row itself.

        :param bool has_written: False where this transaction has changed nothing yet
        """
        # Never the replica: it may lag behind the decision we waited for
        with self.env.registry.cursor() as cr:
            fresh = self._read_fresh_documents(cr, root, partner_ids)
        if not has_written:
            return fresh.total
        own = self._read_documents(self.env.cr, root, partner_ids)
        if own.backend == fresh.backend:  # cursors of a test share one transaction
            return own.total
        vanished = self._filter_own_changes(fresh.documents.keys() - own.documents)
        total = fresh.ledger + self._get_uncommitted_ledger(root, partner_ids)
        for key in own.documents.keys() | fresh.documents.keys():
            amount, is_own = own.documents.get(key, (0, key in vanished))
            total += amount if is_own else fresh.documents.get(key, (0, False))[0]
        return total

    @api.model
    def _read_fresh_documents(self, cr, root, partner_ids):
        """What others have committed, in short where that is enough."""
        orders = self._order_total_query(root, partner_ids)
        view, touched = self._read_view(
            cr, self._document_queries(root, partner_ids, orders)
        )
        if touched:
            query = self._order_query(root, order_ids=touched)
            rest, _none = self._read_view(cr, [query])
            view.documents.update(rest.documents)
        return view

    @api.model
    def _read_documents(self, cr, root, partner_ids):
        """Ledger balance and each open document as the transaction of ``cr`` sees them.

        The SQL is built by this environment, so both connections read the same.
        """
        return self._read_view(cr, self._document_queries(root, partner_ids))[0]

    @api.model
    def _read_view(self, cr, queries):
        """
        :return: a :class:`DocumentView`, and the ids of orders to be calculated
        """
        cr.execute(SQL(" UNION ALL ").join(queries))
        documents, ledger, touched = {}, 0.0, []
        for _partner_id, kind, document_id, amount, is_own in cr.fetchall():
            if kind == "ledger":
                ledger += amount
            elif kind == "touched":
                touched.append(document_id)
            else:
                documents[kind, document_id] = (amount, is_own)
        backend = cr.connection.get_backend_pid()
        return DocumentView(backend, ledger, documents), touched

    @api.model
    def _filter_own_changes(self, keys):
        """Of documents that are no longer open here: those closed by ourselves."""
        found = set()
        for kind, table in (("order", "sale_order"), ("draft", "account_move")):
            ids = [document_id for key, document_id in keys if key == kind]
            if not ids:
                continue
            rows = self.env.execute_query(
                SQL(
                    "SELECT document.id FROM %s AS document WHERE id = ANY(%s) AND %s",
                    SQL.identifier(table),
                    ids,
                    SQL(OWN_ROW, SQL.identifier("document")),
                )
            )
            found |= {(kind, document_id) for (document_id,) in rows}
        return found

    @api.model
    def _get_uncommitted_ledger(self, root, partner_ids):
        """Ledger entries written by this transaction, which others cannot see yet."""
        [(amount,)] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(SUM(entry.debit - entry.credit), 0)
                  FROM subledger_entry entry
                 WHERE entry.number IS NULL AND entry.ledger = 'customer'
                   AND entry.partner_id = ANY(%(partners)s)
                   AND entry.company_id = ANY(%(companies)s) AND %(own)s
                """,
                partners=list(partner_ids),
                companies=self._get_area(root).ids,
                own=SQL(OWN_ROW, SQL.identifier("entry")),
            )
        )
        return amount

    @api.model
    def _get_order_amounts(self, orders, settlement=None):
        """What each order still adds or would add to exposure, in company currency.

        :param settlement: after this :class:`Settlement` of a part of them
        :return: ``{order id: amount}``
        """
        plain = orders.browse()
        if not settlement:
            plain = orders.filtered(self._is_plain_quotation)
            plain -= self._get_prepaid(plain)
        amounts = {order.id: order.amount_total for order in plain}
        if len(plain) == len(orders):
            return amounts
        self._flush_sources()
        others = orders - plain
        for root, of_root in others.grouped(lambda o: o.company_id.root_id).items():
            query = self._order_query(
                root, order_ids=of_root.ids, settlement=settlement
            )
            for _partner, _kind, order_id, amount, _own in self.env.execute_query(
                query
            ):
                amounts[order_id] = amount
        return amounts

    @api.model
    def _get_prepaid(self, orders):
        """Those of the orders that have online payments, whatever their state."""
        query = SQL(
            """SELECT DISTINCT sale_order_id FROM sale_order_transaction_rel
                WHERE sale_order_id = ANY(%s)""",
            orders.ids,
        )
        return orders.browse(id_ for (id_,) in self.env.execute_query(query))

    @api.model
    def _is_plain_quotation(self, order):
        """Whether the order would simply add its total: nothing billed yet."""
        return (
            order.state in ("draft", "sent")
            and order.currency_id == order.company_id.root_id.currency_id
            and not any(
                line.is_downpayment or line.qty_invoiced for line in order.order_line
            )
        )
