{
    "name": "Credit Control",
    "summary": "Credit limits, exposure and holds on orders, deliveries and invoices",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Subledger Team",
    "website": "https://subledger.example",
    "license": "LGPL-3",
    "application": True,
    "depends": ["sales_ledger_sync"],
    "data": [
        # First, because access rights and views name the groups.
        "security/credit_control_groups.xml",
        "security/credit_control_rules.xml",
        "security/ir.model.access.csv",
        "data/credit_rule.xml",
        "data/ir_cron.xml",
        "data/mail_activity_type.xml",
        # Before the views, because their buttons open the wizard.
        "wizards/credit_hold_decision_views.xml",
        "views/account_move_views.xml",
        "views/credit_authority_views.xml",
        "views/credit_discount_limit_views.xml",
        "views/credit_group_views.xml",
        "views/credit_hold_views.xml",
        "views/credit_limit_views.xml",
        "views/credit_rule_views.xml",
        "views/res_config_settings_discount_views.xml",
        "views/res_config_settings_payment_views.xml",
        "views/res_config_settings_views.xml",
        "views/res_partner_views.xml",
        "views/sale_order_views.xml",
        "views/sale_portal_templates.xml",
        "views/stock_picking_views.xml",
        # Last, because a menu names the actions of the views above.
        "views/credit_control_menus.xml",
    ],
    "assets": {
        # A bundle that nobody asks for without the point of sale
        "point_of_sale._assets_pos": ["credit_control/static/src/point_of_sale/**/*"],
        "web.assets_tests": ["credit_control/static/tests/tours/**/*"],
    },
}
