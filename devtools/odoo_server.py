"""Running Odoo with our configuration."""

import os

from .processes import attached, stream
from .say import DevError
from .workspace import ADDONS

CONFIGURATION = """[options]
addons_path = {addons_path}
data_dir = {data_dir}
screenshots = {home}/screenshots
http_interface = 127.0.0.1
list_db = False
admin_passwd = admin
"""
FIRST_ERROR_MARKS = (" CRITICAL ", " ERROR ")


class Odoo:
    """Odoo's programs, run by our interpreter with our addons."""

    def __init__(self, workspace, source, python):
        self.workspace = workspace
        self.source = source
        self.python = python
        self._write_configuration()

    def _write_configuration(self):
        paths = [self.workspace.addons, *self.source.addons_paths]
        text = CONFIGURATION.format(
            addons_path=",".join(map(str, paths)),
            data_dir=self.workspace.data_dir,
            home=self.workspace.home,
        )
        self.workspace.config.write_text(text)

    def environment(self, **extra):
        """Return the environment that makes Python find Odoo and its settings."""
        path = os.pathsep.join(
            filter(None, [str(self.source.folder), os.environ.get("PYTHONPATH")])
        )
        return {
            **os.environ,
            "PYTHONPATH": path,
            "ODOO_RC": str(self.workspace.config),
            # Odoo's folder may be read-only or somebody else's: what Python compiles is
            # kept in ours, or each of the many processes would compile it again.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.workspace.home / "pycache"),
            **extra,
        }

    def command(self, *arguments):
        """Return the command line of the server with `arguments`."""
        config = f"--config={self.workspace.config}"
        first = arguments[0] if arguments and not arguments[0].startswith("-") else None
        head = [self.python, "-m", "odoo", *([first] if first else []), config]
        return [*head, *(arguments[1:] if first else arguments)]

    def run(self, *arguments):
        """Run the server on our terminal; return its exit code."""
        return attached(self.command(*arguments), env=self.environment())

    def module(self, action, database, modules):
        """Do with modules what the Apps menu does; return Odoo's log.

        :param str action: ``install``, ``upgrade`` or ``uninstall``
        :raises DevError: if Odoo fails
        """
        command = [self.python, "-m", "odoo", "module", action, "-d", database]
        environment = self.environment()
        code, output = stream([*command, *modules], lambda line: None, env=environment)
        if code:
            raise DevError(f"Odoo could not {action} {','.join(modules)}:\n{output}")
        return output

    def install(self, database, modules, *options, flag="-i"):
        """Install (or with ``flag="-u"`` update) modules in a database.

        :raises DevError: if Odoo fails or logs an error; the log is kept
        """
        arguments = ["-d", database, flag, ",".join(modules), "--stop-after-init"]
        arguments += ["--no-http", "--max-cron-threads=0", *options]
        command = self.command(*arguments)
        code, output = stream(command, lambda line: None, env=self.environment())
        errors = [line for line in output.splitlines() if is_error(line)]
        if code or errors:
            log = self.workspace.home / "install.log"
            log.write_text(output)
            reason = errors[0] if errors else f"exit code {code}"
            raise DevError(
                f"Odoo could not install {','.join(modules)} ({log}): {reason}"
            )
        return output

    def update(self, database, modules=ADDONS):
        """Update modules in a database."""
        return self.install(database, modules, flag="-u")


def is_error(line):
    """Tell whether a log line is an error."""
    return any(mark in line for mark in FIRST_ERROR_MARKS)
