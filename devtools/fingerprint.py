"""What of an addon decides the state of a database it is installed in.

Data files count byte by byte. Of Python only the schema counts: assignments in classes
(fields, constraints, names), functions that touch the database at installation, hooks
and migrations. So a change of a method or of a test does not make the template stale.
"""

import ast
import hashlib

INSTALL_FUNCTIONS = {"init", "_auto_init", "_register_hook"}
NOT_INSTALLED = {"tests", "__pycache__", "README.rst", "description"}


def addons_fingerprint(addons, names):
    """Return twelve hexadecimal digits for the installed state of the addons."""
    digest = hashlib.sha256()
    for name in names:
        for path in sorted((addons / name).rglob("*")):
            relative = path.relative_to(addons)
            if path.is_file() and not NOT_INSTALLED.intersection(relative.parts):
                digest.update(f"{relative}\n".encode())
                digest.update(_essence(path))
    return digest.hexdigest()[:12]


def _essence(path):
    if path.suffix == ".pyc":
        return b""
    content = path.read_bytes()
    if path.suffix != ".py" or _runs_at_installation(path):
        return content
    try:
        tree = ast.parse(content)
    except SyntaxError:
        return content
    return "\n".join(schema(tree)).encode()


def _runs_at_installation(path):
    return "migrations" in path.parts or path.name in ("hooks.py", "__manifest__.py")


def schema(tree):
    """Yield, as text, the parts of a module that shape the database."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield f"class {node.name}"
            yield from map(ast.dump, filter(_is_assignment, node.body))
        elif isinstance(node, ast.FunctionDef) and _touches_database(node):
            yield ast.dump(node)
    yield from map(ast.dump, filter(_is_assignment, tree.body))


def _is_assignment(node):
    return isinstance(node, (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom))


def _touches_database(node):
    return node.name in INSTALL_FUNCTIONS or node.name.endswith("_hook")
