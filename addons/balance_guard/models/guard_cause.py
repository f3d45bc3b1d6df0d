"""The vocabulary of causes: every difference is made of these and a rest."""

CAUSES = [
    ("manual_entry", "Manual entry"),
    ("no_partner", "Item without partner"),
    ("pre_sync_history", "History before the ledger's start"),
    ("missing_entry", "Missing ledger entry"),
    ("duplicate_entry", "Duplicate ledger entry"),
    ("amount_tampered", "Amount changed"),
    ("partner_changed", "Partner changed"),
    ("account_changed", "Account changed"),
    ("date_changed", "Date changed"),
    ("draft_reset", "Document no longer posted"),
    ("item_deleted", "Journal item gone"),
    ("exchange_revaluation", "Exchange revaluation"),
    ("rounding", "Rounding"),
    ("stale_cache", "Stale cached value"),
    ("outside_scope", "Outside the ledger's scope"),
    ("number_gap", "Gap in the numbers"),
    ("entry_tampered", "Ledger entry changed"),
    ("hash_tampered", "Hash changed"),
    ("unbalanced_move", "Entry does not balance"),
    ("reconciliation", "Residual differs from reconciliations"),
    ("reservation", "Reservation differs from move lines"),
    ("not_closed", "Stock moves not yet booked"),
    ("hold_outdated", "Hold no longer justified"),
    ("over_limit", "Sold on account above the limit"),
    ("unexplained", "Unexplained"),
]

# What the company's own settings leave out of the ledger: shown and counted,
# but nothing for anybody to repair.
EXPECTED_CAUSES = {"manual_entry", "pre_sync_history", "rounding", "not_closed"}
