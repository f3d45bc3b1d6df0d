from odoo import Command
from odoo.tests import new_test_user
from odoo.tools import SQL

from .common import CreditControlCommon

# Amounts that occur nowhere but in figures of credit control, by who may not read them
CUSTOMER_FIGURES = ("7313.37", "7777.77", "464.40", "770.16", "1757.82")
COLLEAGUE_FIGURES = ("1757.82",)
ELSEWHERE_FIGURES = ("6161.61", "9191.91", "3030.30")

# What nobody without credit rights changes: limits, who may grant them, and the rules
GUARDED_TABLES = (
    "credit_authority",
    "credit_discount_limit",
    "credit_group",
    "credit_group_partner_rel",
    "credit_limit",
    "credit_rule",
)
COMPANY_SETTINGS = (
    "credit_confirm_on_release",
    "credit_prevent_overpayment",
    "credit_release_days",
    "credit_release_mode",
)


class SecurityCommon(CreditControlCommon):
    """Documents on hold, people who must not free them, and what has to stay true.

    The customer may owe 7 777.77 and owes 7 313.37: an order of 3 000.21, one of 313.00
    that was put on hold by hand, and an invoice of 4 000.16.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule(
            check_reservation=True, check_delivery=True, check_invoice=True
        )
        cls.customer.write({"credit_limit": 7777.77, "credit_limit_policy": "limit"})
        cls.env["stock.quant"]._update_available_quantity(
            cls.product, cls.warehouse.lot_stock_id, 1000
        )
        cls._create_people()
        cls._create_documents()
        cls._create_credit_records()
        cls._create_elsewhere()
        cls.env.flush_all()

    @classmethod
    def _create_people(cls):
        cls.colleague = cls._new_user(
            "credit_colleague", "sales_team.group_sale_salesman"
        )
        cls.portal_user = new_test_user(cls.env, "credit_portal", "base.group_portal")
        cls.portal_user.company_ids |= cls.company
        cls.portal_user.company_id = cls.company
        cls.portal_user.partner_id.parent_id = cls.customer
        cls.other_company = cls.setup_other_company()["company"]
        cls.stranger = new_test_user(
            cls.env,
            "credit_stranger",
            "base.group_user,credit_control.group_credit_approver,"
            "sales_team.group_sale_manager",
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )
        cls._give_authority(cls.stranger, 9_000_000, company_id=cls.other_company.id)

    @classmethod
    def _create_documents(cls):
        seller = {"user_id": cls.salesperson.id}
        cls.confirmed = cls._create_order(3000.21, quantity=3, **seller)
        cls.paused = cls._create_order(313.0, quantity=5, **seller)
        (cls.confirmed | cls.paused).action_confirm()
        cls.paused.apply_credit_hold("Dispute")
        cls.invoice = cls._create_credit_invoice(4000.16)
        # At the list price: looking it up again makes nothing cheaper
        goods = {"type": "consu", "is_storable": True, "taxes_id": [Command.clear()]}
        dear = cls.env["product.product"].create(
            {"name": "Dear Goods", "list_price": 1234.56, **goods}
        )
        line = Command.create({"product_id": dear.id})
        cls.order = cls._create_order(order_line=[line], **seller)
        cls.colleague_order = cls._create_order(2222.22, user_id=cls.colleague.id)
        for order in (cls.order, cls.colleague_order):
            order.with_user(order.user_id).action_confirm()
        cls.held_move_ids = cls.paused.order_line.move_ids.ids
        cls.held_picking_id = cls.paused.picking_ids.id
        cls.debtor = cls.env["res.partner"].create({"name": "Debtor"})
        cls.debtor.write({"credit_limit": 10.0, "credit_limit_policy": "limit"})
        cls.bill = cls._create_credit_invoice(20.0, cls.debtor, post=False)
        cls.bill.action_post()
        cls.payment = cls.env["account.payment"].create(
            {"partner_id": cls.customer.id, "amount": 1.0, "payment_type": "inbound"}
        )
        cls.holds = (
            cls.order | cls.colleague_order | cls.paused
        ).credit_hold_ids | cls.bill.credit_hold_ids

    @classmethod
    def _create_credit_records(cls):
        member = cls.env["res.partner"].create({"name": "Member"})
        cls.group = cls.env["credit.group"].create(
            {
                "name": "Sisters",
                "credit_limit": 500,
                "partner_ids": [Command.set(member.ids)],
            }
        )
        cls.discount_limit = cls.env["credit.discount.limit"].create(
            {
                "group_id": cls.env.ref("sales_team.group_sale_salesman").id,
                "max_discount": 10,
            }
        )
        cls.limit_request = (
            cls.env["credit.limit"]
            .with_user(cls.approver_small)
            .create(
                {
                    "partner_id": cls.customer.id,
                    "amount": 90000,
                    "kind": "permanent",
                    "reason": "x",
                }
            )
        )
        cls.recheck = (
            cls.env["credit.recheck"]
            .sudo()
            .create({"company_id": cls.company.id, "partner_id": cls.customer.id})
        )

    @classmethod
    def _create_elsewhere(cls):
        """A customer whose figures belong to the other company."""
        cls.far_customer = cls.env["res.partner"].create({"name": "Far Customer"})
        owner = cls.far_customer.with_company(cls.other_company)
        owner.write({"credit_limit": 9191.91, "credit_limit_policy": "limit"})
        service = cls.env["product.product"].create(
            {"name": "Far Service", "type": "service", "taxes_id": [Command.clear()]}
        )
        line = {"product_id": service.id, "price_unit": 6161.61}
        cls.far_order = cls.env["sale.order"].create(
            {
                "partner_id": cls.far_customer.id,
                "company_id": cls.other_company.id,
                "order_line": [Command.create(line)],
            }
        )
        cls.far_order.action_confirm()

    # ------------------------------------------------------------------
    # What has to stay true
    # ------------------------------------------------------------------

    def _read_guarded(self):
        """What must be the same after every attempt, in one query."""
        company = str(self.company.id)
        limits = SQL(
            """SELECT string_agg(concat_ws(',', id, credit_limit->>%(company)s,
                                           credit_limit_policy->>%(company)s,
                                           credit_limit_expiry->>%(company)s),
                                 ';' ORDER BY id)
                 FROM res_partner
                WHERE credit_limit ? %(company)s OR credit_limit_policy ? %(company)s
                   OR credit_limit_expiry ? %(company)s""",
            company=company,
        )
        settings = SQL(
            "SELECT concat_ws(',', %s) FROM res_company WHERE id = %s",
            SQL(", ").join(map(SQL.identifier, COMPANY_SETTINGS)),
            self.company.id,
        )
        questions = [limits, settings, *map(self._get_table_question, GUARDED_TABLES)]
        selected = SQL(", ").join(SQL("(%s)", question) for question in questions)
        [row] = self.env.execute_query(SQL("SELECT %s", selected))
        names = ("limits of customers", "settings", *GUARDED_TABLES)
        return dict(zip(names, row, strict=True))

    def _get_table_question(self, table):
        """All rows as one text, but for those of the other company."""
        row = SQL("to_jsonb(entry) - 'write_date' - 'write_uid'")
        return SQL(
            """SELECT string_agg((%s)::text, ';' ORDER BY entry::text) FROM %s entry
                WHERE COALESCE((to_jsonb(entry)->>'company_id')::int, 0) != %s""",
            row,
            SQL.identifier(table),
            self.other_company.id,
        )

    def _find_breaches(self):
        """What slipped past the gate, in words; nothing while all is well.

        Judged by what was ordered, delivered and posted, not by the stored amounts and
        states that credit control works with.
        """
        breaches = {
            "a hold was released": SQL(
                """SELECT 1 FROM credit_hold hold
                LEFT JOIN sale_order ON sale_order.id = hold.order_id
                LEFT JOIN account_move bill ON bill.id = hold.move_id
                    WHERE hold.company_id = %s
                      AND (hold.state IN ('released', 'expired', 'rejected')
                           OR hold.released_by IS NOT NULL
                           OR hold.id = ANY(%s) AND hold.state != 'open'
                          AND COALESCE(sale_order.state, bill.state) != 'cancel'
                          AND COALESCE(sale_order.credit_state, bill.credit_state)
                              != 'hold')""",
                self.company.id,
                self.holds.ids,
            ),
            "confirmed over the limit": SQL(
                """SELECT 1 FROM sale_order_line line
                     JOIN sale_order ON sale_order.id = line.order_id
                     JOIN res_partner payer ON payer.id = partner_invoice_id
                    WHERE sale_order.state = 'sale' AND credit_state != 'hold'
                      AND payer.commercial_partner_id = %s
                      AND sale_order.company_id = %s
                   HAVING SUM(GREATEST(product_uom_qty, qty_delivered) * price_unit
                              * (1 - discount / 100)) > 3777.61""",
                self.customer.id,
                self.company.id,
            ),
            "goods went out": SQL(
                """SELECT 1 FROM stock_quant quant
                     JOIN stock_location place ON place.id = quant.location_id
                    WHERE product_id = %s AND usage = 'customer' AND quantity > 0""",
                self.product.id,
            ),
            "goods on hold were taken": SQL(
                """SELECT 1 FROM stock_move_line WHERE picking_id = %s
                   HAVING SUM(quantity_product_uom) > 5""",
                self.held_picking_id,
            ),
            "a bill on hold was posted": SQL(
                "SELECT 1 FROM account_move WHERE id = %s AND state = 'posted'",
                self.bill.id,
            ),
        }
        selected = SQL(", ").join(
            SQL("EXISTS (%s)", query) for query in breaches.values()
        )
        [row] = self.env.execute_query(SQL("SELECT %s", selected))
        return [words for words, found in zip(breaches, row, strict=True) if found]
