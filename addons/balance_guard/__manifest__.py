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
    "data": [],
}
