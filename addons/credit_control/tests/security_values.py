"""What an attacker writes: values that each model knows, wished for themselves."""

from odoo import Command

FLAGS = {
    "bypass_credit": True,
    "bypass_risk": True,
    "credit_cleared_moves": [1, 2, 3],
    "credit_cleared_orders": [1, 2, 3],
    "credit_growth_watch": True,
    "install_mode": True,
    "mail_notrack": True,
    "module": "credit_control",
    "skip_backorder": True,
    "skip_credit_check": True,
    "su": True,
    "tracking_disable": True,
    "uid": 1,
}


def prepare_births(case, user):
    """Complete values of records nobody without rights may have."""
    company, customer = case.company.id, case.customer.id
    line = {
        "product_id": case.product.id,
        "product_uom_qty": 50.0,
        "price_unit": 1000.0,
    }
    goods = {
        "product_id": case.product.id,
        "location_id": case.warehouse.lot_stock_id.id,
        "location_dest_id": case.env.ref("stock.stock_location_customers").id,
    }
    return {
        "account.move": {
            "move_type": "out_invoice",
            "partner_id": case.debtor.id,
            "state": "posted",
        },
        "account.move.line": {
            "move_id": case.bill.id,
            "name": "x",
            "price_unit": 1.0,
        },
        "account.payment": {
            "partner_id": case.debtor.id,
            "amount": 5000.0,
            "payment_type": "inbound",
        },
        "account.payment.register": {"amount": 1.0},
        "credit.authority": {
            "user_id": user.id,
            "amount": 9e6,
            "limit_amount": 9e6,
            "company_id": company,
        },
        "credit.discount.limit": {
            "group_id": case.env.ref("base.group_user").id,
            "max_discount": 100.0,
            "company_id": company,
        },
        "credit.group": {
            "name": "Rich",
            "credit_limit": 9e6,
            "is_unlimited": True,
            "company_id": company,
            "partner_ids": [Command.link(customer)],
        },
        "credit.hold": {
            "state": "released",
            "order_id": case.order.id,
            "document_name": "x",
            "partner_id": customer,
            "company_id": company,
            "approved_total": 9e6,
            "released_by": user.id,
        },
        "credit.hold.decision": {
            "decision": "release",
            "hold_ids": [Command.link(case.order.credit_hold_ids.id)],
            "reason": "because",
        },
        "credit.limit": {
            "partner_id": customer,
            "amount": 9e6,
            "kind": "permanent",
            "company_id": company,
            "state": "approved",
            "reason": "because",
        },
        "credit.recheck": {"partner_id": customer, "company_id": company},
        "credit.rule": {
            "name": "Loose",
            "threshold": 1e6,
            "action": "warn",
            "company_id": company,
        },
        "product.product": {"name": "Gift", "list_price": 0.0},
        "res.company": {"name": "Loose Ltd", "credit_confirm_on_release": True},
        "res.config.settings": {"credit_confirm_on_release": True},
        "res.partner": {
            "name": "Rich",
            "credit_limit": 9e6,
            "credit_limit_policy": "unlimited",
            "credit_limit_expiry": "2999-01-01",
        },
        "sale.order": {
            "partner_id": customer,
            "state": "sale",
            "credit_state": "released",
            "order_line": [Command.create(line)],
        },
        "sale.order.line": {"order_id": case.confirmed.id, **line},
        "stock.move": {**goods, "product_uom_qty": 5.0, "state": "done"},
        "stock.move.line": {**goods, "quantity": 5.0, "picked": True},
        "stock.picking": {
            "picking_type_id": case.warehouse.out_type_id.id,
            "partner_id": customer,
            "state": "done",
        },
    }


def prepare_changes(case, user):
    """Values that would free what is held, one wish at a time."""
    more = {"product_uom_qty": 9999.0}
    return {
        "account.move": [
            {"state": "posted"},
            {"credit_state": "released"},
            {"credit_hold_ids": [Command.clear()]},
        ],
        "sale.order": [
            {"state": "sale"},
            {"state": "sale", "note": "x"},
            {"credit_state": "none"},
            {"credit_hold_ids": [Command.clear()]},
            {
                "credit_hold_ids": [
                    Command.update(case.holds[0].id, {"state": "released"})
                ]
            },
            {
                "order_line": [
                    Command.update(case.confirmed.order_line.id, {"price_unit": 9e6})
                ]
            },
        ],
        "sale.order.line": [more, {"price_unit": 9e6}, {"qty_delivered": 9e6}],
        "stock.move": [
            {"state": "done"},
            {"quantity": 5000.0, "picked": True},
            {"sale_line_id": False},
        ],
        "stock.move.line": [
            {"quantity": 5000.0, "picked": True},
            {"state": "done"},
        ],
        "stock.picking": [
            {"state": "done"},
            {"credit_state": "none"},
            {"move_ids": [Command.update(case.held_move_ids[0], {"state": "done"})]},
        ],
        "res.partner": [
            {"credit_limit": 9e6},
            {"credit_limit_policy": "unlimited"},
            {"credit_limit_expiry": False},
        ],
        "credit.hold": [{"state": "released"}, {"amount_over": 0.0}],
        "credit.group": [
            {"credit_limit": 9e6},
            {"is_unlimited": True},
            {"partner_ids": [Command.link(case.customer.id)]},
            {"active": False},
        ],
        "credit.limit": [{"state": "approved"}, {"amount": 9e6}],
        "credit.rule": [{"active": False}, {"threshold": 9e6}, {"action": "warn"}],
        "credit.authority": [{"amount": 9e6}, {"user_id": user.id}],
        "credit.discount.limit": [{"max_discount": 100.0}],
        "res.company": [
            {"credit_confirm_on_release": True},
            {"credit_release_days": 0},
        ],
    }
