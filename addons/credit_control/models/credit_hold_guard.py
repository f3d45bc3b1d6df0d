from odoo import api, models


class CreditHold(models.Model):
    """Tells Balance Guard, where it is installed, which holds lost their reason.

    The guard finds the checks by the name of the method; neither addon needs the other.
    """

    _inherit = "credit.hold"

    @api.model
    def _balance_guard_checks(self):
        """See ``guard.check.external``: the check, its words and its functions."""
        return [
            {
                "code": "credit_hold",
                "name": self.env._("Open credit holds are still justified"),
                "explanation": self.env._(
                    "Each open hold that a rule made is examined again. Expected is"
                    " what the document exceeds now, which is nothing; actual is the"
                    " excess that the hold still shows."
                ),
                "find": self._find_outdated,
                "heal": self._heal_outdated,
            }
        ]

    @api.model
    def _find_outdated(self, company_ids, partner_ids=None):
        """Open holds that no rule would make today, as rows for the guard.

        Left out: holds that wait for their turn in the queue of the re-examination,
        and those that are marked as ready and wait for a person.
        """
        domain = [
            ("state", "=", "open"),
            ("source", "=", "rule"),
            ("is_ready", "=", False),
            ("company_id", "in", company_ids),
        ]
        if partner_ids is not None:
            domain.append(("partner_id", "in", partner_ids))
        # sudo: whoever may run the checks sees what they find, not the holds
        holds = self.sudo().search(domain) - self._get_queued(company_ids)
        return [hold._prepare_outdated_row() for hold in holds._filter_outdated()]

    @api.model
    def _get_queued(self, company_ids):
        """Open holds of the customers whose re-examination is asked for already."""
        # sudo: the queue belongs to the scheduled action
        roots = self.env["res.company"].sudo().browse(company_ids).root_id
        queue = self.env["credit.recheck"].sudo()
        requests = queue.search(
            [("company_id", "in", roots.ids), ("is_new_hold", "=", False)]
        )
        groups = self.env["credit.group"]
        holds = self.sudo()
        for company, rows in requests.grouped("company_id").items():
            partner_ids = groups._get_fellow_ids(company, rows.partner_id.ids)
            holds |= holds.search(
                [
                    ("state", "=", "open"),
                    ("company_id", "child_of", company.id),
                    ("partner_id", "in", partner_ids),
                ]
            )
        return holds

    def _filter_outdated(self):
        """Those whose document passes now, read with one query per kind of document."""
        outdated = self.filtered(lambda hold: not hold._get_document())
        for (model_name, checkpoint), holds in (
            (self - outdated)
            .grouped(
                lambda hold: (hold._get_document()._name, hold.checkpoint or "order")
            )
            .items()
        ):
            documents = self.env[model_name].union(
                *(hold._get_document() for hold in holds)
            )
            for case in documents._prepare_credit_cases(checkpoint):
                case.document._examine_credit_case(case)
                if not case.failures:
                    outdated |= holds & case.document.credit_hold_ids
        return outdated

    def _prepare_outdated_row(self):
        return {
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "res_model": self._name,
            "res_id": self.id,
            "field_name": "amount_over",
            "value_expected": "0",
            "value_found": str(self.amount_over),
            "expected": 0.0,
            # A rule on dates may show no excess where the document adds nothing
            "actual": self.amount_over or self.document_amount,
            "cause_code": "hold_outdated",
        }

    @api.model
    def _heal_outdated(self, findings):
        """Examine the holds again, as a payment would have made the addon do."""
        # sudo: the outcome is decided by the rules alone
        self.sudo().browse(findings.mapped("res_id")).exists()._recheck()
