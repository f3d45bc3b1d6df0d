"""What makes a template database stale, and what does not."""

import pytest

from devtools.fingerprint import addons_fingerprint

MODEL = '''
class Thing(models.Model):
    _name = "thing"
    name = fields.Char()

    def init(self):
        """Make the trigger."""
        self.env.cr.execute("CREATE TRIGGER one")

    def action(self):
        """Do something."""
        return 1
'''


@pytest.fixture
def addons(tmp_path):
    """An addons folder with one addon."""
    for name, text in {
        "__manifest__.py": "{}",
        "models/thing.py": MODEL,
        "views/thing.xml": "<odoo/>",
        "tests/test_thing.py": "pass",
        "migrations/19.0.1.0.1/post-x.py": "def migrate(cr, version): pass",
    }.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def edit(addons, name, old, new):
    """Replace text in one file of the addon."""
    path = addons / "mine" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("models/thing.py", "return 1", "return 2"),
        ("models/thing.py", "Do something", "Do something else"),
        ("tests/test_thing.py", "pass", "assert True"),
    ],
)
def test_methods_and_tests_do_not_count(addons, name, old, new):
    """Changing them needs no new template."""
    before = addons_fingerprint(addons, ["mine"])
    edit(addons, name, old, new)
    assert addons_fingerprint(addons, ["mine"]) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("models/thing.py", "fields.Char()", "fields.Text()"),
        ("models/thing.py", "TRIGGER one", "TRIGGER two"),
        ("views/thing.xml", "<odoo/>", "<odoo></odoo>"),
        ("__manifest__.py", "{}", "{'name': 'x'}"),
        ("migrations/19.0.1.0.1/post-x.py", "pass", "return"),
    ],
)
def test_schema_and_data_count(addons, name, old, new):
    """Changing them changes the fingerprint."""
    before = addons_fingerprint(addons, ["mine"])
    edit(addons, name, old, new)
    assert addons_fingerprint(addons, ["mine"]) != before


def test_new_file_counts_and_broken_python_does_not_crash(addons):
    """A file that does not parse counts as it is."""
    before = addons_fingerprint(addons, ["mine"])
    (addons / "mine" / "models" / "broken.py").write_text("class (")
    assert addons_fingerprint(addons, ["mine"]) != before
