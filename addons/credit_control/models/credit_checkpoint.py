from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.sql import column_exists

from .credit_rule import CreditCase, CreditFinding

CREDIT_STATES = [
    ("none", "No hold"),
    ("hold", "On credit hold"),
    ("released", "Released"),
]


class CreditCheckpoint(models.AbstractModel):
    """What orders, transfers and invoices share: being examined, held and released.

    A document that adopts it names its payer and its amounts in the ``_get_credit_*``
    hooks and asks :meth:`_pass_credit` before it goes on. Holding raises nothing: the
    hold is a record, and only what is committed exists.
    """

    _name = "credit.checkpoint"
    _description = "Document under Credit Control"

    # ``credit_hold_ids`` is declared by each document with its own inverse field.
    credit_state = fields.Selection(
        CREDIT_STATES,
        compute="_compute_credit_state",
        store=True,
        # sudo: the state of a document must not depend on who looks at it
        compute_sudo=True,
        # before the insert there can be no hold: creating documents costs no query
        precompute=True,
        copy=False,
    )

    credit_reasons = fields.Text(
        string="Why on Hold",
        compute="_compute_credit_reasons",
        groups="base.group_user",
    )

    def _auto_init(self):
        # The column appears at once on tables of any size: nothing is on hold yet, and
        # PostgreSQL fills in a constant without touching the rows.
        if not self._abstract and not column_exists(
            self.env.cr, self._table, "credit_state"
        ):
            table = SQL.identifier(self._table)
            self.env.cr.execute(
                SQL("ALTER TABLE %s ADD credit_state varchar DEFAULT 'none'", table)
            )
            self.env.cr.execute(
                SQL("ALTER TABLE %s ALTER credit_state DROP DEFAULT", table)
            )
        return super()._auto_init()

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_typed_holds(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_typed_holds([vals])
        return super().write(vals)

    @api.model
    def _refuse_typed_holds(self, vals_list):
        """Holds change through their own methods, never through their document.

        The computation of the state does not come through here, only people and
        programs do. Commands on the holds are refused here, too: where code runs as
        superuser, Odoo would carry them out with its rights.
        """
        if any({"credit_state", "credit_hold_ids"} & vals.keys() for vals in vals_list):
            raise UserError(
                self.env._("The credit state follows from the holds, it is not typed.")
            )

    @api.depends("credit_hold_ids.state")
    def _compute_credit_state(self):
        for document in self:
            states = set(document.credit_hold_ids.mapped("state"))
            if states & {"open", "rejected"}:
                document.credit_state = "hold"
            elif "released" in states:
                document.credit_state = "released"
            else:
                document.credit_state = "none"

    @api.depends_context("uid")
    @api.depends("credit_hold_ids.state", "credit_hold_ids.reasons")
    def _compute_credit_reasons(self):
        """Why; without amounts for users who may not know the customer's figures."""
        told = self.env["credit.exposure"]._may_read_figures()
        for document in self:
            # sudo: whoever works with the document may know why it does not go on
            source = document.sudo()._get_credit_document()
            holds = source.credit_hold_ids.filtered(
                lambda hold: hold.state in ("open", "rejected")
            )
            reasons = [
                hold.reasons if told else hold._get_reason_label()
                for hold in holds
                if hold.reasons
            ]
            document.credit_reasons = "\n".join(reasons)

    # ------------------------------------------------------------------
    # Hooks of the concrete documents
    # ------------------------------------------------------------------

    def _get_credit_partner(self):
        """The contact who pays: its commercial entity's credit is used."""
        raise NotImplementedError

    def _get_credit_order(self):
        """The sales order behind the document, empty if there is none."""
        return self.env["sale.order"]

    def _get_credit_document(self):
        """The document that a hold is put on and a release is bound to."""
        return self._get_credit_order() or self

    def _get_credit_amounts(self):
        """What each document adds to exposure, in its company's currency.

        :return: ``{document id: (amount, already counted in exposure)}``
        """
        return {document.id: (0.0, True) for document in self}

    def _get_credit_total(self):
        """Total in the document's own currency, to which a release is bound."""
        return 0.0

    def _get_credit_currency(self):
        return self.company_id.currency_id

    def _get_credit_salesperson(self):
        return self._get_credit_order().user_id

    def _after_credit_release(self):
        """Go on where the hold stopped the document."""

    # ------------------------------------------------------------------
    # Passing a checkpoint
    # ------------------------------------------------------------------

    def _is_credit_watched(self, checkpoint):
        """Whether the document has to be examined at all; no query without rules."""
        self.ensure_one()
        if self.credit_state != "none":
            return True
        rule_model = self.env["credit.rule"]
        company_id = self.company_id.id
        return bool(company_id and rule_model._get_rule_ids(company_id, checkpoint))

    def _is_credit_stopped(self, checkpoint=None):
        """Whether goods of the document have to wait; examined first if asked for."""
        self.ensure_one()
        if checkpoint and self._get_credit_partner():
            self._pass_credit(checkpoint)
        return self.credit_state == "hold"

    def _pass_credit(self, checkpoint, serialize=False):
        """Examine the documents and hold those that may not go on.

        Several documents of one customer are decided one after the other, each with
        those before it counted.

        :param checkpoint: ``order``, ``reservation``, ``delivery`` or ``invoice``
        :param serialize: True where passing commits the customer to a new amount: then
            decisions about the customer wait for each other
        :return: the documents that may go on
        """
        if self.env["credit.rule"]._is_idle():
            return self
        watched = self.filtered(
            lambda document: document._is_credit_watched(checkpoint)
        )
        if not watched:
            return self
        # sudo: exposure, rules and holds bind also users who may not see them
        cases = watched.sudo()._decide_credit(checkpoint, serialize)
        held = self.browse()
        for case in cases:
            if case.failures:
                self.env["credit.hold"]._hold(case)
                held |= self.browse(case.document.id)
            else:
                case.document._log_credit_warnings(case)
                case.document._note_credit_decision(case)
                case.document._get_credit_document()._close_idle_holds(checkpoint)
        return self - held

    def _decide_credit(self, checkpoint, serialize):
        """Examine the documents; others wait only for decisions that add an amount.

        A quotation that is held adds nothing: whoever decides next need not wait until
        its hold, the activities and the messages are written.
        """
        if not serialize:
            return list(self._examine_credit(checkpoint))
        with self.env["credit.exposure"]._serialized() as locks:
            cases = list(self._examine_credit(checkpoint, locks))
            if all(case.failures and not case.counted for case in cases):
                locks.give_back()
        return cases

    def _examine_credit(self, checkpoint, locks=None):
        """Yield the examined case of each document, cumulating those that pass.

        :param CreditLocks locks: to be taken before the exposure is read, if decisions
            about the customers shall wait for each other
        """
        cases = self._prepare_credit_cases(checkpoint, locks)
        added = defaultdict(float)
        for case in cases:
            key = case.document._get_credit_key(case)
            case.exposure += added[key]
            case.document._examine_credit_case(case)
            if not case.failures and not case.counted:
                added[key] += case.amount
            yield case

    def _examine_credit_case(self, case):
        """Fill in why the document may not go on.

        The rules are asked beside a hold by hand, too: what they find is the excess
        that somebody has to have the authority for.
        """
        document = self._get_credit_document()
        self._add_manual_holds(document, case)
        rules = self.env["credit.rule"]._get_rules(case.company, case.checkpoint)
        document._filter_unanswered(rules)._examine(case)

    def _add_manual_holds(self, document, case):
        if document.credit_state != "hold":
            return
        blocking = document.credit_hold_ids.filtered(
            lambda hold: (
                hold.source == "manual" and hold.state in ("open", "rejected")
            )
        )
        for hold in blocking:
            case.failures.append(
                CreditFinding(self.env["credit.rule"], "manual", hold.reasons, 0.0)
            )

    def _prepare_credit_cases(self, checkpoint, locks=None):
        """Cases in the order of the records, exposure without the document itself."""
        amounts = self._get_credit_amounts()
        cases = []
        for company, documents in self.grouped("company_id").items():
            accounts = documents._get_credit_accounts(company, limits_only=bool(locks))
            totals = documents._get_credit_totals(company, accounts, locks)
            for document in documents:
                group, members, figures = accounts[document._get_credit_payer()]
                amount, counted = amounts[document.id]
                case = CreditCase(
                    document=document,
                    checkpoint=checkpoint,
                    partner=document._get_credit_payer(),
                    members=members,
                    group=group,
                    limit=figures.limit,
                    exposure=totals[members] - (amount if counted else 0.0),
                    amount=amount,
                    limit_expired=figures.limit_expired,
                    counted=counted,
                )
                cases.append(case)
        return cases

    def _get_credit_payer(self):
        self.ensure_one()
        return self._get_credit_partner().commercial_partner_id

    def _get_credit_key(self, case):
        return (case.company.root_id, case.members)

    def _get_credit_accounts(self, company, limits_only=False):
        """Map each payer to (credit group or empty, members, figures)."""
        contacts = self.env["res.partner"].union(
            *(document._get_credit_partner() for document in self)
        )
        exposure = self.env["credit.exposure"]
        if limits_only:
            figures = exposure._get_limits(company, contacts)
        else:
            # All that is needed of them: their other columns would be read as well
            contacts.fetch(["commercial_partner_id"])
            figures = exposure._get_figures(company, contacts)
        payers = contacts.commercial_partner_id
        groups = self.env["credit.group"]._get_group_of(company.root_id, payers)
        nothing = self.env["credit.group"]
        return {
            payer: (
                groups.get(payer, nothing),
                groups[payer].partner_ids if payer in groups else payer,
                figures[payer.id],
            )
            for payer in payers
        }

    def _get_credit_totals(self, company, accounts, locks=None):
        """Exposure of each credit account, keyed by its members.

        Where decisions are serialized it is read after the locks are held.
        """
        if not locks:
            return {
                members: figures.account_exposure
                for _group, members, figures in accounts.values()
            }
        exposure, root = self.env["credit.exposure"], company.root_id
        keys = [
            ("group", group.id) if group else ("partner", payer.id)
            for payer, (group, _members, _figures) in accounts.items()
        ]
        locks.take(root, keys)
        return {
            members: exposure._get_decision_exposure(
                root, members.ids, locks.has_written
            )
            for members in {members for _group, members, _figures in accounts.values()}
        }

    def _note_credit_decision(self, case):
        """Keep what passing decides beyond the checkpoint."""

    # ------------------------------------------------------------------
    # Telling people
    # ------------------------------------------------------------------

    def _log_credit_warnings(self, case):
        """Name the rules only: not all who read a document may know what is owed.

        Those who may see the figures on it, in the gauge.
        """
        for finding in case.warnings:
            self._message_log(
                body=self.env._("Credit warning: %(rule)s", rule=finding.rule.name)
            )

    def _close_idle_holds(self, checkpoint):
        """A document that passes now where it was held needs no decision any more."""
        if self.credit_state != "hold":
            return
        idle = self.credit_hold_ids.filtered(
            lambda hold: (
                hold.state in ("open", "rejected") and hold.checkpoint == checkpoint
            )
        )
        idle._set_state(
            "released",
            self.env._("No longer over any limit when it was examined again."),
        )

    def _get_credit_notification(self):
        """Client action that says why nothing happened."""
        # sudo: the reasons are shown to whoever tried, the hold itself is not
        documents = self.sudo().mapped(lambda document: document._get_credit_document())
        holds = documents.credit_hold_ids.filtered(lambda hold: hold.state == "open")
        told = self.env["credit.exposure"]._may_read_figures()
        lines = [
            f"{hold.document_name}:"
            f" {hold.reasons if told else hold._get_reason_label()}"
            for hold in holds
        ]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("On credit hold"),
                "message": "\n".join(lines),
                "type": "warning",
                "sticky": True,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # ------------------------------------------------------------------
    # Documents that go away
    # ------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_cancel_credit_holds(self):
        self._end_credit_holds(self.env._("The document was deleted."))

    def _end_credit_holds(self, reason):
        """Nobody has to decide any more, and no release answers for what comes back."""
        # sudo: whoever may cancel or delete the document ends its holds with it
        documents_sudo = self.sudo().filtered(lambda doc: doc.credit_state != "none")
        holds_sudo = documents_sudo.credit_hold_ids
        holds_sudo._set_state("cancelled", reason)
        holds_sudo._set_state("expired", reason)
