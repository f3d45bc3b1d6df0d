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
        "views/credit_discount_limit_views.xml",
        "views/res_config_settings_discount_views.xml",
        "views/res_config_settings_payment_views.xml",
        # Last, because a menu names the actions of the views above.
        "views/credit_control_menus.xml",
    ],
}
