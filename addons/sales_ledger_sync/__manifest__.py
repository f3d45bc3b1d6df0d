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
    "data": [],
}
