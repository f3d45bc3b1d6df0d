"""Customers deleted or merged by somebody else while a run is looking at them."""

from unittest.mock import patch

import pytest

from .bookkeeping import post_invoice
from .clones import environment
from .damage import break_cache


@pytest.fixture
def partners(registry):
    """A customer with an invoice, its double, one without, and a bystander; ids."""
    with environment(registry) as env:
        names = [{"name": "Ada"}, {"name": "Ada (double)"}, {"name": "Nothing"}]
        names.append({"name": "Bystander"})
        ada, double, nothing, bystander = env["res.partner"].create(names)
        post_invoice(env, ada, 100.0)
        post_invoice(env, double, 7.0)
        post_invoice(env, bystander, 9.0)
        return ada.id, double.id, nothing.id, bystander.id


def delete(env, _ada, _double, nothing, _bystander):
    env["res.partner"].browse(nothing).unlink()


def merge(env, ada, double, _nothing, _bystander):
    wizard = env["base.partner.merge.automatic.wizard"].create({})
    wizard._merge([ada, double], env["res.partner"].browse(ada))


def after_first_check(registry, change):
    """Make the change in another transaction once the first check has looked."""
    runs = registry["guard.run"]
    look, looks = runs._look, []

    def look_and_change(self, unit, scope):
        seen = look(self, unit, scope)
        looks.append(unit._check_code)
        if len(looks) == 1:
            with environment(registry) as env:
                change(env)
        return seen

    return patch.object(runs, "_look", look_and_change), looks


@pytest.mark.parametrize("happens", [delete, merge])
def test_run_by_hand_ends_cleanly(registry, partners, happens):
    watch, looks = after_first_check(registry, lambda env: happens(env, *partners))
    with watch, environment(registry) as env:
        run = env["guard.check"].run_all(list(partners))
        assert (run.state, run.result) == ("done", "clean")
        assert not run.check_ids.filtered("error")
    assert len(looks) > 5
    with environment(registry) as env:
        left = env["res.partner"].browse(partners).exists()
        assert len(left) == len(partners) - 1
        assert env["guard.check"].run_all(left.ids).result == "clean"


@pytest.mark.parametrize("happens", [delete, merge])
def test_schedule_ends_cleanly_and_still_finds_the_rest(registry, partners, happens):
    """A customer goes between the first look, which shows a fault, and the second."""
    break_cache(registry, 5)
    watch, looks = after_first_check(registry, lambda env: happens(env, *partners))
    with watch, environment(registry) as env:
        env["guard.job"]._cron_recent()
    assert len(looks) > 5
    with environment(registry) as env:
        run = env["guard.run"].search([("kind", "=", "recent")], limit=1)
        assert run.state == "done"
        assert not run.check_ids.filtered("error")
        assert partners[-1] in run.finding_ids.mapped("partner_key")
        assert set(run.finding_ids.mapped("state")) == {"healed"}


def test_findings_of_a_deleted_partner_stay_readable(registry):
    """The finding keeps the name; the run after it does not stumble."""
    with environment(registry) as env:
        partner = env["res.partner"].create({"name": "Gone Ltd"})
        partner_id = partner.id
        post_invoice(env, partner, 3.0)
    break_cache(registry, 2)
    with environment(registry) as env:
        found = env["guard.check"].run_all([partner_id]).finding_ids.ids
    with registry.cursor() as cr:
        # As only SQL can: Odoo keeps a customer that has invoices.
        cr.execute(
            "UPDATE account_move_line SET partner_id = NULL WHERE partner_id = %s",
            [partner_id],
        )
        cr.execute(
            "UPDATE account_move SET partner_id = NULL, commercial_partner_id = NULL"
            " WHERE commercial_partner_id = %s",
            [partner_id],
        )
        cr.execute("DELETE FROM res_partner WHERE id = %s", [partner_id])
    with environment(registry) as env:
        finding = env["guard.finding"].browse(found)
        assert finding.partner_name == "Gone Ltd"
        assert not finding.partner_id
        assert "Gone Ltd" in finding.story
        run = env["guard.check"].run_all()
        assert not run.check_ids.filtered("error")
        lost = run.finding_ids.filtered(lambda f: f.cause_code == "no_partner")
        assert sorted(map(abs, lost.mapped("difference")))[-1] == 3.0
