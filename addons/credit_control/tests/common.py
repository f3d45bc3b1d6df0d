from odoo.fields import Command

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.mail.tests.common import mail_new_test_user


class CreditControlCommon(AccountTestInvoicingCommon):
    """A customer, goods without tax, the people of a credit team, and factories."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        cls.customer = cls.env["res.partner"].create({"name": "Customer"})
        cls.product = cls.env["product.product"].create(
            {
                "name": "Goods",
                "type": "consu",
                "is_storable": True,
                "invoice_policy": "delivery",
                "list_price": 100.0,
                "taxes_id": [Command.clear()],
            }
        )
        cls.salesperson = cls._new_user(
            "credit_salesperson", "sales_team.group_sale_salesman"
        )
        cls.warehouse_user = cls._new_user("credit_warehouse", "stock.group_stock_user")
        cls.approver = cls._new_user(
            "credit_approver", "credit_control.group_credit_approver"
        )
        cls.approver_small = cls._new_user(
            "credit_approver_small", "credit_control.group_credit_approver"
        )
        cls._give_authority(cls.approver, 1_000_000)
        cls._give_authority(cls.approver_small, 10)

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "sales_team.group_sale_manager"
        )

    @classmethod
    def _new_user(cls, login, groups):
        return mail_new_test_user(
            cls.env,
            login=login,
            groups=f"base.group_user,{groups}",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _give_authority(cls, user, amount, **values):
        return cls.env["credit.authority"].create(
            {
                "user_id": user.id,
                "amount": amount,
                "limit_amount": amount,
                "company_id": cls.company.root_id.id,
                **values,
            }
        )

    @classmethod
    def _create_rule(cls, rule_type="limit_used", threshold=100.0, **values):
        return cls.env["credit.rule"].create(
            {
                "name": rule_type,
                "rule_type": rule_type,
                "threshold": threshold,
                "company_id": cls.company.id,
                **values,
            }
        )

    @classmethod
    def _create_order(cls, amount=100.0, partner=None, quantity=1.0, **values):
        """A quotation without taxes over ``amount`` for ``quantity`` pieces."""
        partner = partner or cls.customer
        lines = values.pop("order_line", None) or [
            Command.create(
                {
                    "product_id": cls.product.id,
                    "product_uom_qty": quantity,
                    "price_unit": amount / quantity,
                }
            )
        ]
        return cls.env["sale.order"].create(
            {"partner_id": partner.id, "order_line": lines, **values}
        )

    @classmethod
    def _create_credit_invoice(cls, amount=100.0, partner=None, post=True, **kwargs):
        return cls.init_invoice(
            kwargs.pop("move_type", "out_invoice"),
            partner=partner or cls.customer,
            amounts=[amount],
            taxes=[],
            post=post,
            **kwargs,
        )

    @classmethod
    def _create_branch(cls):
        branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.company.id}
        )
        # The branch takes over the accounts of its parent on the commit
        cls.env.cr.precommit.run()
        cls.env.user.company_ids |= branch
        return branch

    @classmethod
    def _expire_limit(cls, owner, date="2020-01-01"):
        """Let time go by: the limit of a customer or of a group ends on ``date``."""
        cls.env.flush_all()
        if owner._name == "credit.group":
            query = "UPDATE credit_group SET limit_expiry = %s WHERE id = %s"
            cls.env.cr.execute(query, (date, owner.id))
        else:
            query = """UPDATE res_partner SET credit_limit_expiry =
                              jsonb_build_object(%s, %s) WHERE id = %s"""
            cls.env.cr.execute(query, (str(cls.env.company.id), date, owner.id))
        cls.env.invalidate_all()

    def _pay(self, amount, partner=None):
        """An advance payment that is not allocated to any invoice."""
        payment = self.env["account.payment"].create(
            {
                "partner_id": (partner or self.customer).id,
                "amount": amount,
                "payment_type": "inbound",
                "partner_type": "customer",
            }
        )
        payment.action_post()
        return payment

    def _figures(self, partner=None, company=None):
        partner = partner or self.customer
        return self.env["credit.exposure"]._get_figures(
            company or self.company, partner
        )[partner.commercial_partner_id.id]

    def _exposure(self, partner=None):
        return self._figures(partner).exposure

    def _listed_exposure(self):
        """What a list of customers shows of it."""
        exposures = self.env["credit.exposure"]._get_exposures(
            self.company, self.customer
        )
        return exposures.get(self.customer.id, 0.0)

    def _fresh_exposure(self):
        """What a decision would read of it, were it all committed by others."""
        return (
            self.env["credit.exposure"]
            ._read_fresh_documents(self.env.cr, self.company.root_id, self.customer.ids)
            .total
        )

    def _deliver(self, order, quantity=None):
        """Validate the order's open transfers, or ``quantity`` of each move."""
        for picking in order.picking_ids.filtered(lambda p: p.state != "done"):
            for move in picking.move_ids:
                move.quantity = move.product_uom_qty if quantity is None else quantity
                move.picked = True
            picking.with_context(skip_backorder=True).button_validate()
