import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError

from .credit_hold import APPROVER_GROUP
from .credit_limit import USER_GROUP

_logger = logging.getLogger(__name__)


class CreditHold(models.Model):
    """Releasing, rejecting, asking, looking again: who may and what follows."""

    _inherit = "credit.hold"

    # ------------------------------------------------------------------
    # By people
    # ------------------------------------------------------------------

    def action_release(self, reason=None):
        """Let the documents go on although a rule objects.

        The release is bound to the document's present total, expires after the
        company's number of days and answers at all later checkpoints. Holds that were
        already released are left alone.

        :param str reason: why; kept on record
        :return: True, or the action asking for the reason when called by the button
        :raise AccessError: the user is no approver, or the authority does not cover
            the excess
        :raise UserError: no reason, or the user asked for the hold's document
        """
        self.check_access("read")
        holds = self.filtered(lambda hold: hold.state == "open")
        self._check_decidable()
        reason = holds._prepare_decision(reason)
        for hold in holds:
            # sudo: the rights were checked above, nobody writes holds directly
            hold.sudo()._release(reason)
        return True

    def action_reject(self, reason=None):
        """Refuse to let the documents go on. Same rights as for a release.

        :raise AccessError: the user is no approver or lacks the authority
        :raise UserError: no reason
        """
        self.check_access("read")
        self._check_decidable()
        holds = self.filtered(lambda hold: hold.state == "open")
        reason = holds._prepare_decision(reason)
        # sudo: the rights were checked above, nobody writes holds directly
        holds.sudo()._set_state("rejected", reason)
        return True

    def action_ask(self, question=None):
        """Ask the salesperson, or else the requester, for more before deciding.

        :raise AccessError: for users who are no approvers
        :raise UserError: without a question
        """
        self.check_access("read")
        if not self.env.user.has_group(APPROVER_GROUP):
            raise AccessError(self.env._("Only credit approvers decide on holds."))
        question = self._clean_reason(question)
        for hold in self:
            # sudo: approvers need no rights on the order to ask about it
            hold_sudo = hold.sudo()
            hold_sudo.activity_schedule(
                "credit_control.mail_activity_question",
                user_id=(hold_sudo.salesperson_id or hold_sudo.requested_by).id,
                note=question,
            )
        return True

    def action_recheck(self):
        """Examine the held documents again now.

        :raise AccessError: for users outside the credit team
        """
        self.check_access("read")
        if not self.env.user.has_group(USER_GROUP):
            raise AccessError(self.env._("Only the credit team examines holds again."))
        # sudo: examining needs full sight, its outcome is decided by the rules alone
        self.sudo()._recheck()
        return True

    def _check_decidable(self):
        closed = self.filtered(lambda hold: hold.state not in ("open", "released"))
        if closed:
            raise UserError(
                self.env._(
                    "The hold of %(document)s is already closed.",
                    document=closed[0].document_name,
                )
            )

    def _prepare_decision(self, reason):
        """Look at the documents as they are now, then at the user's rights.

        :return: the reason, checked
        """
        for hold in self:
            # sudo: the figures are those of the rules, whoever decides
            hold.sudo()._refresh_figures(notify=False)
            hold._ensure_may_decide()
        return self._clean_reason(reason)

    def _ensure_may_decide(self):
        """Four eyes, and an authority that covers the excess.

        :raise AccessError: says which of them is missing
        """
        if obstacle := self._get_release_obstacle():
            raise AccessError(obstacle)

    def _get_release_obstacle(self):
        """Why the current user may not decide on the hold; False where they may."""
        self.ensure_one()
        if not self.env.user.has_group(APPROVER_GROUP):
            return self.env._("Only credit approvers decide on holds.")
        if self.env.user in self._get_involved_users():
            return self.env._(
                "%(document)s is yours or was asked for by you: somebody else has to"
                " decide.",
                document=self.document_name,
            )
        authority = self.env["credit.authority"]
        if not authority._may_release(self.env.user, self.company_id, self.amount_over):
            return self.env._(
                "The excess of %(amount)s on %(document)s is above your credit"
                " authority. Hand it to somebody with a higher one.",
                amount=self.currency_id.format(self.amount_over),
                document=self.document_name,
            )
        return False

    @api.model
    def _clean_reason(self, reason):
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(self.env._("Give a reason, it is kept on record."))
        return reason

    def _release(self, reason):
        """Release by the current user, whose rights the caller has checked."""
        self.ensure_one()
        document = self._get_document()
        now = fields.Datetime.now()
        self.write(
            {
                "released_by": self.env.uid,
                "released_at": now,
                "expires_at": self._get_release_expiry(now),
                **(document._prepare_release_scope() if document else {}),
            }
        )
        self._set_state("released", reason)
        if document:
            document._after_credit_release()

    def _get_release_expiry(self, now):
        days = self.company_id.root_id.credit_release_days
        return now + timedelta(days=days) if days > 0 else False

    def _set_state(self, state, reason):
        """The one place where holds change their state; closed ones stay closed.

        Only releases expire, and they keep the words of whoever decided.
        """
        vals = {"state": state, "is_ready": False}
        if state == "expired":
            holds = self.filtered(lambda hold: hold.state == "released")
        else:
            holds = self.filtered(lambda hold: hold.state in ("open", "rejected"))
            vals["release_reason"] = reason
        holds.write(vals)
        labels = dict(self._fields["state"]._description_selection(self.env))
        told = {"state": labels[state].lower(), "user": self.env.user.name}
        for hold in holds:
            hold._message_log(
                body=self.env._(
                    "Credit hold %(state)s by %(user)s: %(reason)s",
                    reason=reason,
                    **told,
                )
            )
            if document := hold._get_document():
                # The reason may name amounts: it is read on the hold
                document._message_log(
                    body=self.env._(
                        "Credit hold %(state)s by %(user)s. %(hold)s",
                        hold=hold._get_chatter_link(),
                        **told,
                    )
                )
        holds.activity_unlink(["credit_control.mail_activity_release"])
        return holds

    # ------------------------------------------------------------------
    # Looking again
    # ------------------------------------------------------------------

    def _recheck(self):
        """Examine open rule-made holds again and release or mark those that pass.

        One document that cannot go on must not keep the others: what fails is undone
        and noted on its hold, and the rest is looked at.
        """
        for hold in self.filtered(lambda h: h.state == "open" and h.source == "rule"):
            passed = False
            try:
                with self.env.cr.savepoint():
                    if passed := hold._examine_again():
                        hold._set_ready()
            except (psycopg2.OperationalError, ConcurrencyError):
                # Two transactions met: the caller starts again or leaves it
                raise
            except Exception as error:  # noqa: BLE001 what a document raises is open
                _logger.warning("Credit hold %d stays open", hold.id, exc_info=True)
                hold._note_failed_recheck(error, passed)

    def _examine_again(self):
        """Refresh the hold; True where no rule objects any more."""
        self.ensure_one()
        document = self._get_document()
        if not document:
            self._set_state("cancelled", self.env._("The document is gone."))
            return False
        case = self._refresh_figures()
        return not case.failures

    def _refresh_figures(self, notify=True):
        """Examine the document as it is now.

        :return: the case, None where there is no document any more
        """
        self.ensure_one()
        document = self._get_document()
        if not document:
            return None
        [case] = document._examine_credit(self.checkpoint or "order")
        self._refresh(case, notify=notify)
        return case

    def _note_failed_recheck(self, error, passed):
        """Leave the decision to a person; say once why nothing went on by itself."""
        self.ensure_one()
        if not self.is_ready:
            self._message_log(
                body=self.env._(
                    "The document could not go on by itself: %(error)s",
                    error=str(error) or type(error).__name__,
                )
            )
        self.is_ready = passed

    def _set_ready(self):
        self.ensure_one()
        if self.company_id.root_id.credit_release_mode == "release":
            reason = self.env._("No rule objects any more.")
            self._set_state("released", reason)
            self._get_document()._after_credit_release()
        elif not self.is_ready:
            self.is_ready = True
            self._message_log(body=self.env._("Ready to release: no rule objects."))

    @api.model
    def _cron_expire(self):
        """Mark releases whose time is over; decisions never wait for this."""
        cron = self.env["ir.cron"]
        domain = [
            ("state", "=", "released"),
            ("expires_at", "<=", fields.Datetime.now()),
        ]
        cron._commit_progress(remaining=self.search_count(domain))
        while batch := self.search(domain, limit=100):
            batch._set_state("expired", self.env._("The release expired."))
            if not cron._commit_progress(len(batch)):
                break
