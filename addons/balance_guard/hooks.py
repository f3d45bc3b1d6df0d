from .models.guard_job import LAST_START_PARAMETER


def uninstall_hook(env):
    """Forget when the server was last seen to start; nothing else stays behind."""
    parameters = env["ir.config_parameter"].sudo()
    parameters.search([("key", "=", LAST_START_PARAMETER)]).unlink()
