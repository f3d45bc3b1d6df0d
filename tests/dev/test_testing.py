"""The command line that ./dev test gives to pytest, and the summary of --core."""

from types import SimpleNamespace

import pytest

from devtools import core_tests, lint, testing
from devtools.say import DevError

GOOD = """
2026-01-01 10:00:00,000 1 INFO db odoo.tests.stats: account: 12 tests 3.00s 100 queries
2026-01-01 10:00:00,000 1 INFO db odoo.tests.result: 0 failed, 0 error(s) of 12 tests \
when loading database 'db'
"""
BAD = """
2026-01-01 10:00:00,000 1 ERROR db odoo.addons.sale.tests.test_x: FAIL: TestX.test_a
2026-01-01 10:00:00,000 1 ERROR db odoo.addons.sale.tests.test_x: ERROR: TestX.test_b
2026-01-01 10:00:00,000 1 ERROR db odoo.tests.result: 1 failed, 1 error(s) of 9 tests \
when loading database 'db'
"""


@pytest.fixture
def session(workspace):
    """A session whose programs are only named."""
    odoo = SimpleNamespace(python="python")
    return SimpleNamespace(workspace=workspace, odoo=odoo)


def test_everything_by_default(session):
    """Without a path the addons' tests and tests/ are run, browser tests included."""
    command = testing.pytest_command(session, ["-k", "word"], ["one", "two"])
    assert "--odoo-http" in command
    assert "tests" in command
    assert "addons/credit_control/tests" in command
    assert command[command.index("-n") + 1] == "2"


def test_a_path_replaces_the_default(session):
    """A test in a file is a path too; the value of an option is none."""
    path = "tests/dev/test_testing.py::test_a_path_replaces_the_default"
    command = testing.pytest_command(session, [path], ["one"])
    assert "addons/credit_control/tests" not in command
    assert "-n" not in command
    assert command[-1] == path


def test_summary_of_a_good_run(capsys):
    """The exit code is 0 and the last line counts the tests."""
    assert core_tests.report([core_tests.read_log(GOOD)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "12 passed, 0 failed"


def test_summary_of_a_bad_run(capsys):
    """Each failed test is named once."""
    outcomes = [core_tests.read_log(GOOD), core_tests.read_log(BAD)]
    assert core_tests.report(outcomes) == 1
    *failed, summary = capsys.readouterr().out.splitlines()
    assert failed == ["FAILED TestX.test_a", "FAILED TestX.test_b"]
    assert summary == "19 passed, 2 failed"


def test_run_that_broke_off_is_no_success():
    """A log without its last line is an error, whatever it says before."""
    with pytest.raises(DevError, match="did not come to its end"):
        core_tests.report([core_tests.read_log("INFO starting")])


def test_no_test_is_no_success():
    """Nor is a run that found nothing to do."""
    outcome = core_tests.read_log(GOOD.replace("12 tests", "0 tests"))
    assert core_tests.report([outcome]) == 1


def test_broken_xml_is_named(tmp_path, capsys):
    """The file and the place are in the message."""
    addon = tmp_path / "addons" / "mine"
    addon.mkdir(parents=True)
    (addon / "good.xml").write_text("<odoo/>")
    assert lint.xml_is_well_formed(tmp_path)
    (addon / "bad.xml").write_text("<odoo>")
    assert not lint.xml_is_well_formed(tmp_path)
    assert "addons/mine/bad.xml" in capsys.readouterr().err
