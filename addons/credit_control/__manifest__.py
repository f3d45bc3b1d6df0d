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
    "data": [],
}
