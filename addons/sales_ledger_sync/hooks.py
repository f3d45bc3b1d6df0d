def uninstall_hook(env):
    """Remove the functions behind the ledger's triggers; the ledger itself goes
    with its tables."""
    env["subledger.entry"]._drop_database_objects()
