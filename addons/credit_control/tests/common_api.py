from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class CreditApiCommon(AccountTestInvoicingCommon):
    """A company with stock, a salesperson, and factories for products and orders."""

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "sales_team.group_sale_manager"
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        cls.stock = cls.warehouse.lot_stock_id
        cls.salesman = cls._create_user(
            "api_salesman", "sales_team.group_sale_salesman"
        )
        cls.customer = cls.env["res.partner"].create({"name": "Able & Daughters"})

    @classmethod
    def _create_user(cls, login, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_goods(cls, name="Bolt", price=10.0, quantity=0.0, **values):
        """A storable product with ``quantity`` on hand in the stock location."""
        product = cls.env["product.product"].create(
            {
                "name": name,
                "is_storable": True,
                "list_price": price,
                "taxes_id": [Command.clear()],
                **values,
            }
        )
        if quantity:
            cls._add_stock(product, quantity)
        return product

    @classmethod
    def _add_stock(cls, product, quantity, location=None, lot=None):
        quants = cls.env["stock.quant"].sudo()
        location = location or cls.stock
        quants._update_available_quantity(product, location, quantity, lot_id=lot)

    @classmethod
    def _create_order(cls, *lines, confirm=False, user=None, **values):
        """An order of (product, quantity) or (product, quantity, line values)."""
        order = cls.env["sale.order"].create(
            {
                "partner_id": cls.customer.id,
                "user_id": (user or cls.salesman).id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": line[0].id,
                            "product_uom_qty": line[1],
                            **(line[2] if len(line) > 2 else {}),
                        }
                    )
                    for line in lines
                ],
                **values,
            }
        )
        if confirm:
            order.action_confirm()
        return order

    @classmethod
    def _set_limit(cls, group, maximum, company=None):
        return cls.env["credit.discount.limit"].create(
            {
                "group_id": cls.env.ref(group).id,
                "max_discount": maximum,
                "company_id": (company or cls.company).id,
            }
        )

    @classmethod
    def _limit_credit(cls, amount):
        """Hold orders of the customer beyond ``amount``."""
        cls.customer.sudo().write(
            {"credit_limit": amount, "credit_limit_policy": "limit"}
        )
        rules = cls.env["credit.rule"].sudo()
        rules.search([("company_id", "=", cls.company.id)]).unlink()
        return rules.create(
            {
                "name": "Limit",
                "rule_type": "limit_used",
                "threshold": 100.0,
                "company_id": cls.company.id,
                "check_order": True,
                "action": "hold",
            }
        )
