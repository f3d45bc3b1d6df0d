from .common import GuardCommon


class FaultsCommon(GuardCommon):
    """Each fault, injected below every guard, is found and named with its amount."""

    # What healing makes of each fault, by the test that injects it: the checks that
    # are settled, those that refuse because a person has to decide. A check with both
    # is named under the latter.
    HEALING = {}

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(100)
        self.payment = self._payment(60)
        self.second = self._invoice(40)
        self._seal()
        self.entry = self._live(self.invoice)
        self.second_entry = self._live(self.second)

    def assertFault(self, check, cause, difference, *, partners=None, field=None):
        """One open finding of ``check`` with this cause and amount."""
        run = self._run(partners)
        self.assertFalse(run.check_ids.filtered("error"), run.check_ids.mapped("error"))
        found = self._findings(run, check)
        self.assertEqual(found.mapped("cause_code"), [cause])
        self.assertAlmostEqual(found.difference, difference)
        self.assertAlmostEqual(found.unexplained, 0.0)
        if field:
            self.assertEqual(found.field_name, field)
        self.assertExplained(run)
        return found

    def assertHealing(self):
        """Each fault of ``HEALING``, injected and healed, has that outcome."""
        for name, outcome in self.HEALING.items():
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                getattr(self, name)()
                self.assertEqual(self._heal_all(), outcome)
                savepoint.rollback()
            # Records that a fault needed are gone, also from what Odoo remembers.
            self.env.registry.clear_all_caches()
            self.env.transaction.reset()

    def _heal_all(self):
        """Heal; return the checks that have nothing open any more, and the others."""
        run = self._run(heal=True)
        left = set(self._findings(run).mapped("check_code"))
        healed = self._findings(run, state=("healed",)).mapped("check_code")
        refused = self._findings(run).filtered("can_heal").heal_ids
        self.assertLessEqual(set(refused.mapped("state")), {"refused"})
        return " ".join(sorted(set(healed) - left)), " ".join(sorted(left))
