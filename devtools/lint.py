"""./dev lint: what the Odoo community checks, offline."""

import xml.etree.ElementTree as ElementTree

from .environment import executable, lint_environment
from .processes import attached
from .say import say, warn
from .workspace import ADDONS

PYTHON_FOLDERS = ("addons", "devtools", "tests")


def run(workspace, fix=False):
    """Run every linter; return 0 if all are content."""
    workspace.prepare()
    environment = lint_environment(workspace).ensure()
    addons = [f"addons/{name}" for name in ADDONS]
    python = [name for name in PYTHON_FOLDERS if (workspace.root / name).is_dir()]
    python.append("dev")
    steps = [
        *_ruff_steps(executable(environment, "ruff"), python, fix),
        _step(environment, "pylint", "--rcfile=.pylintrc-mandatory", *addons),
        _step(environment, "oca-checks-odoo-module", *addons),
    ]
    failed = [name for name, command in steps if not _passes(workspace, name, command)]
    if not xml_is_well_formed(workspace.root):
        failed.append("XML")
    if failed:
        warn(f"lint failed: {', '.join(failed)}")
    return 1 if failed else 0


def _step(environment, program, *arguments):
    return program, [executable(environment, program), *arguments]


def _ruff_steps(ruff, paths, fix):
    check = [ruff, "check", "--quiet", *(["--fix"] if fix else []), *paths]
    layout = [ruff, "format", "--quiet", *([] if fix else ["--diff"]), *paths]
    return [("ruff check", check), ("ruff format", layout)]


def _passes(workspace, name, command):
    say(f"lint: {name}")
    return attached(command, cwd=workspace.root) == 0


def xml_is_well_formed(root):
    """Tell whether every XML and SVG file parses, naming those that do not."""
    say("lint: XML")
    good = True
    for path in sorted([*root.glob("addons/**/*.xml"), *root.glob("addons/**/*.svg")]):
        try:
            ElementTree.parse(path)
        except ElementTree.ParseError as error:
            warn(f"{path.relative_to(root)}: {error}")
            good = False
    return good
