from odoo import fields, models


class CreditCheckpoint(models.AbstractModel):
    """What an approver's release covers: the document as it was decided on."""

    _inherit = "credit.checkpoint"

    def _has_valid_release(self):
        """Whether an approver's release still covers the document as it is now."""
        return bool(self._get_valid_releases())

    def _get_valid_releases(self):
        """The releases that cover the document as it is now, discounts apart."""
        self.ensure_one()
        if self.credit_state == "none":
            return self.env["credit.hold"]
        now = fields.Datetime.now()
        return self.credit_hold_ids.filtered(
            lambda hold: (
                hold.state == "released"
                and hold.released_by
                and (not hold.expires_at or hold.expires_at > now)
                and self._is_covered_by(hold)
            )
        )

    def _is_covered_by(self, release):
        """Whether customer, company and total are those that were approved."""
        currency = self._get_credit_currency()
        total = self._get_credit_total()
        return (
            release.approved_currency_id == currency
            and currency.compare_amounts(total, release.approved_total) <= 0
            and release.company_id == self.company_id
            and release.partner_id == self._get_credit_payer()
        )

    def _filter_unanswered(self, rules):
        """Those of ``rules`` that no valid release answers.

        A larger discount makes the total smaller. So a release covers the discount it
        was given for, whatever the total.
        """
        releases = self._get_valid_releases()
        if not releases:
            return rules
        return rules.filtered(
            lambda rule: (
                rule.rule_type == "discount"
                and not any(map(self._is_discount_covered_by, releases))
            )
        )

    def _is_discount_covered_by(self, _release):
        return True

    def _prepare_release_scope(self):
        """What a release of the document as it is now covers, as values of the hold."""
        self.ensure_one()
        return {
            "approved_total": self._get_credit_total(),
            "approved_currency_id": self._get_credit_currency().id,
        }
