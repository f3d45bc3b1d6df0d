{
    "name": "Balance Guard",
    "summary": "Scheduled checks that explain every difference and heal what they may",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Subledger Team",
    "website": "https://subledger.example",
    "license": "LGPL-3",
    "application": True,
    "depends": ["sales_ledger_sync"],
    "data": [
        # First, because access rights and views name the groups.
        "security/balance_guard_groups.xml",
        # Last, because a menu names the actions of the views above.
        "views/balance_guard_menus.xml",
    ],
}
