{
    "name": "Sales Ledger Sync",
    "summary": "Customer and supplier subledgers that always equal the general ledger",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Subledger Team",
    "website": "https://subledger.example",
    "license": "LGPL-3",
    "application": True,
    "depends": ["account", "sale_stock"],
    "data": [
        # First, because access rights and views name the groups.
        "security/sales_ledger_sync_groups.xml",
        "security/sales_ledger_sync_rules.xml",
        "security/ir.model.access.csv",
        "data/ir_cron.xml",
        "views/account_move_entries_views.xml",
        "views/account_move_line_manual_views.xml",
        "views/account_move_views.xml",
        "views/account_payment_views.xml",
        "views/res_config_settings_views.xml",
        "views/res_partner_views.xml",
        "views/subledger_account_views.xml",
        "views/subledger_backfill_views.xml",
        "views/subledger_entry_views.xml",
        "wizards/base_module_uninstall_views.xml",
        # Last, because a menu names the actions of the views above.
        "views/sales_ledger_sync_menus.xml",
        # Complete in itself, with its own menu entry.
        "security/subledger_import_security.xml",
        "data/subledger_import_cron.xml",
        "views/subledger_entry_report_views.xml",
        "views/subledger_import_views.xml",
    ],
    "assets": {
        "web.assets_tests": ["sales_ledger_sync/static/tests/tours/**/*"],
    },
    "uninstall_hook": "uninstall_hook",
}
