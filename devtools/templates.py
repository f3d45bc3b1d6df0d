"""Databases that are built once and cloned for every run."""

import hashlib

from .databases import PREFIX
from .fingerprint import addons_fingerprint
from .say import say
from .workspace import ADDONS

BASE_MODULES = (
    "account",
    "sale_management",
    "sale_stock",
    "purchase_stock",
    "stock_account",
)
KEPT_TEMPLATES = 6


class Templates:
    """The cached databases: Odoo's modules alone, with demo data, with our addons."""

    def __init__(self, workspace, odoo, databases):
        self.workspace = workspace
        self.odoo = odoo
        self.databases = databases

    def empty(self):
        """Return a database with nothing but Odoo's module ``base``."""
        return self._ensure("empty", self._base_key("base"), None, ["base"])

    def base(self, demo=False):
        """Return a database with Odoo's modules that ours stand on."""
        kind, options = ("demo", ["--with-demo"]) if demo else ("base", [])
        key = self._base_key(*BASE_MODULES)
        return self._ensure(kind, key, None, BASE_MODULES, *options)

    def addons(self, demo=False):
        """Return a database with the three addons installed in their present state."""
        kind, options = ("addonsdemo", ["--with-demo"]) if demo else ("addons", [])
        schema = addons_fingerprint(self.workspace.addons, ADDONS)
        key = self._digest(self._base_key(*BASE_MODULES), schema)
        base = self.base(demo)
        return self._ensure(kind, key, base, ADDONS, *options)

    def _base_key(self, *modules):
        return self._digest(self.odoo.source.fingerprint, *modules)

    @staticmethod
    def _digest(*parts):
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]

    def _ensure(self, kind, key, origin, modules, *options):
        name = f"{PREFIX}{kind}_{key}"
        if not self.databases.exists(name):
            with self.workspace.lock("templates"):
                if not self.databases.exists(name):
                    self._build(name, kind, origin, modules, *options)
        self.databases.note(name)
        self.databases.keep_recent(f"{kind}_", KEPT_TEMPLATES)
        return name

    def _build(self, name, kind, origin, modules, *options):
        """Build under another name and rename at the end: nothing half-made stays."""
        say(f"Building the {kind} template database: {', '.join(modules)} (a minute)")
        self.workspace.require_space("a template database", 10**9)
        for stale in self.databases.names("build_"):
            self.databases.drop(stale)
        build = f"{PREFIX}build_{kind}"
        self.databases.create(build, origin or "template0")
        try:
            self.odoo.install(build, modules, *options)
            self.databases.rename(build, name)
        finally:
            self.databases.drop(build)
