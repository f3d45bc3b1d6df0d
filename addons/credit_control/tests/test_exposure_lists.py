from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.res_partner import FIGURE_COLUMNS
from .common import CreditControlCommon

FIGURES = (*FIGURE_COLUMNS, "exposure_overdue")


@tagged("post_install", "-at_install")
class TestExposureLists(CreditControlCommon):
    """Lists of any number of customers are sorted and filtered by the database."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.few = cls._create_customers(2)

    @classmethod
    def _create_customers(cls, count):
        customers = cls.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(count)]
        )
        line = {"name": "x", "price_unit": 100.0, "tax_ids": [Command.clear()]}
        invoices = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": customer.id,
                    "invoice_date": "2020-01-01",
                    "invoice_line_ids": [Command.create(line)],
                }
                for customer in customers
            ]
        )
        invoices.action_post()
        cls.env.flush_all()
        return customers

    def _get_searches(self):
        """(figure, arguments of search): sorted by it, filtered by it, and both."""
        for name in FIGURES:
            above = [(name, ">", 10)]
            yield name, {"domain": [], "order": f"{name} desc", "limit": 80}
            yield name, {"domain": above, "limit": 80}
            yield name, {"domain": above, "order": f"{name}, id", "limit": 80}

    def _count_queries(self, search):
        self.env.invalidate_all()
        partners = self.env["res.partner"].with_user(self.salesperson)
        before = self.cr.sql_log_count
        found = partners.search(**search)
        return self.cr.sql_log_count - before, found

    def test_searching_takes_as_many_queries_for_many_customers(self):
        for _round in range(2):
            # The first round fills the caches
            few = [
                self._count_queries(search) for _name, search in self._get_searches()
            ]
        more = self._create_customers(30)
        for (name, search), (queries, found) in zip(
            self._get_searches(), few, strict=True
        ):
            with self.subTest(**search):
                many, all_found = self._count_queries(search)
                self.assertEqual(many, queries)
                if name in ("credit_exposure", "exposure_open_items"):
                    self.assertEqual(all_found & (self.few | more), self.few | more)
                    self.assertEqual(found & self.few, self.few)

    def test_searching_reads_no_customer_in_python(self):
        """Nothing is read or computed for those that are sorted or left out."""
        partners = self.env.registry["res.partner"]
        fetch, fetched, computed = partners._fetch_query, [], []

        def note_fetched(records, query, fields):
            result = fetch(records, query, fields)
            # Without fields it only returns the ids
            fetched.extend(result.ids if fields else ())
            return result

        self.patch(partners, "_fetch_query", note_fetched)
        for compute in {partners._fields[name].compute for name in FIGURES}:
            self.patch(partners, compute, computed.append)
        for _name, search in self._get_searches():
            self.env.invalidate_all()
            self.env["res.partner"].search(**search)
        self.assertEqual(computed, [])
        self.assertFalse(set(fetched) & set((self.few | self.customer).ids))

    def test_figures_of_all_customers_are_computed_once_for_a_page(self):
        """And not again for every customer that is looked at, which took minutes."""
        for name in FIGURES:
            with self.subTest(name):
                found = self._explain([(name, ">", 10.0)], "id")
                self.assertIn("hashed SubPlan", found)
                self.assertIn("CTE", self._explain([], f"{name} desc"))

    def _explain(self, domain, order):
        query = self.env["res.partner"]._search(domain, limit=80, order=order)
        rows = self.env.execute_query(SQL("EXPLAIN %s", query.select()))
        return "\n".join(line for (line,) in rows)
