"""What an attacker passes to each public method: valid values, wished for themselves.

A call with values that the model does not know fails before any of our code runs and
proves nothing. So every model has values of its own, and every parameter a value that
its method accepts.
"""

import inspect

from .security_values import FLAGS, prepare_births, prepare_changes


class Wishes:
    """Arguments for the methods of one model, made for the world of ``case``."""

    def __init__(self, case, model_name, user):
        self.case, self.env, self.user = case, case.env, user
        self.model_name = model_name
        self.ids = case._get_record_ids(model_name, user)
        self.fields = self.env[model_name]._fields
        self.births = prepare_births(case, user).get(model_name, {})
        self.changes = prepare_changes(case, user).get(model_name) or [self.births]
        self.client_context = {
            "active_id": (self.ids or [False])[0],
            "active_ids": self.ids,
            "active_model": model_name,
            "allowed_company_ids": user.company_ids.ids,
            "lang": "en_US",
        }
        self.contexts = self._prepare_contexts()
        self.wishes = {**self._get_common_wishes(), **self._get_own_wishes()}

    def _prepare_contexts(self):
        """Forged keys of every kind that a client can send."""
        values = {**self.births, **self.changes[0]}
        defaults = {f"default_{name}": value for name, value in values.items()}
        forged = {**self.client_context, **FLAGS, **defaults}
        if self.user.company_id == self.case.company:
            return [forged]
        # As if the user might enter the company
        companies = (self.case.company | self.user.company_ids).ids
        return [forged, {**forged, "allowed_company_ids": companies}]

    # ------------------------------------------------------------------
    # Arguments
    # ------------------------------------------------------------------

    def get_calls(self, method):
        """(arguments, keyword arguments) of each call of ``method``, as for RPC.

        Once as the web client calls, and once with all optional arguments that have a
        wish and everything forged; methods that take values are called with each wish.

        :raise KeyError: a required parameter has no value here yet
        """
        if self._is_for_other_models(method):
            return
        parameters = [
            parameter
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        needed = [p.name for p in parameters if p.default is p.empty]
        optional = {p.name for p in parameters} - set(needed)
        ids = [] if getattr(method, "_api_model", False) else [self.ids]
        own = METHOD_WISHES.get(method.__name__, {})
        for change in self._get_variations({*needed, *optional}):
            wishes = {**self.wishes, **own, **change}
            arguments = ids + [wishes[name] for name in needed]
            if change or not self._is_general(method):
                yield arguments, {"context": self.client_context}
            extra = {name: wishes[name] for name in optional & wishes.keys()}
            for context in self.contexts:
                yield arguments, {**extra, "context": context}

    def _is_for_other_models(self, method):
        """Methods of all models that this one has nothing for."""
        if self.env[self.model_name]._abstract:
            return self._is_general(method)
        is_switch = method.__name__ in SWITCHES
        return is_switch and not self.env[self.model_name]._active_name

    def _is_general(self, method):
        """Whether all models have the method: called once, with everything forged."""
        return hasattr(type(self.env["base"]), method.__name__)

    def _get_variations(self, names):
        """The parameters that carry values, with one wish after the other."""
        if taken := names & {"vals", "default", "update_vals"}:
            return [dict.fromkeys(taken, change) for change in self.changes]
        if "custom_values" in names:
            return [{"custom_values": vals} for vals in (self.births, *self.changes)]
        if "vals_list" in names:
            return [{"vals_list": [vals]} for vals in self._get_creations(names)]
        if "data" in names:
            return [
                {
                    "fields": [".id", *vals],
                    "data": [[str((self.ids or [False])[0]), *map(str, vals.values())]],
                }
                for vals in self.changes
                if not any(isinstance(value, list) for value in vals.values())
            ]
        return [{}]

    def _get_creations(self, names):
        if "specification" in names:
            return self.changes
        return [self.births, {**self.births, **self.changes[-1]}]

    def _get_common_wishes(self):
        """Parameters of the methods that all models have."""
        field_name = "name" if "name" in self.fields else "id"
        return {
            "access_uid": 1,
            "act_type_xmlid": "credit_control.mail_activity_release",
            "act_type_xmlids": ["credit_control.mail_activity_release"],
            "aggregates": ["__count"],
            "attributes": ["string", "groups"],
            "body": "x",
            "domain": [],
            "excluded": ["state"],
            "field_name": field_name,
            "field_names": [field_name],
            "fields": [field_name],
            "fields_spec": {field_name: {}},
            "fields_to_export": [field_name],
            "filter_recipients": True,
            "full_name": f"{field_name}.x",
            "groupby": ["id"],
            "group_by": "id",
            "grouping_sets": [["id"]],
            "having": [],
            "help_message": "x",
            "langs": ["en_US"],
            "limit": 5,
            "load": None,
            "message_type": "comment",
            "model": self.model_name,
            "model_name": self.model_name,
            "msg_dict": {
                "body": "x",
                "cc": "",
                "email_from": "x@example.com",
                "from": "x@example.com",
                "message_id": "<1@x>",
                "recipients": "y@example.com",
                "subject": "x",
                "to": "y@example.com",
            },
            # Also the id where a model is named after another record
            "name": "1",
            "new": (self.ids or [False])[0],
            "new_thread": (self.ids or [False])[0],
            "notification_type": "email",
            "offset": 0,
            "operation": "write",
            "order": "id",
            "partner_ids": self.user.partner_id.ids,
            "progress_bar": {"field": field_name, "colors": {}},
            "raise_exception": False,
            "res_id": (self.ids or [False])[0],
            "source_ref": "mail.message_origin_link",
            "specification": {field_name: {}},
            "source_lang": "en_US",
            "subject": "x",
            "template_id": 1,
            "thread_id": (self.ids or [False])[0],
            "translations": {"en_US": "x"},
            "values": {},
            "view_id": False,
            "view_type": "form",
            "views": [[False, "form"], [False, "list"], [False, "search"]],
        }

    def _get_own_wishes(self):
        """Parameters of single methods: those of the addon, then those of Odoo."""
        case = self.case
        return {
            "amount": 1.0,
            "currency_id": case.company.currency_id.id,
            "discount_percent": 100.0,
            "location_id": case.warehouse.lot_stock_id.id,
            "partner_id": case.customer.id,
            "pricelist_id": case.order.pricelist_id.id or None,
            "quantity": 1.0,
            "question": "why",
            "reason": "because",
            "required_qty": 1.0,
            "settles": [{"order_id": case.order.id, "amount": 9e6}],
            "tax_ids": [],
            "unit_price": 1.0,
            **ODOO_WISHES,
            "attachment_ids": [],
            "company_id": case.company.id,
            "country_id": case.company.country_id.id,
            "line_id": case.invoice.line_ids.ids[-1],
            "move_id": case.held_move_ids[0],
            "query_country_id": case.company.country_id.id,
            "to_currency_id": case.company.currency_id.id,
        }


# Parameters of Odoo's own methods
ODOO_WISHES = {
    "channel_id": 1,
    "context_data": {},
    "count": 1,
    "current_code": "100000",
    "date": "2020-01-01",
    "date_category": "today",
    "dirty_move_line_ids": [],
    "dirty_quant_ids": [],
    "duns": "1",
    "email": "x@example.com",
    "first_lot": "1",
    "full_field_name": "res.config.settings.company_id",
    "gst": "1",
    "lot_text": "1",
    "menu_xml_id": "base.menu_action_res_users",
    "message": "From: x@example.com\nTo: y@example.com\nMessage-Id: <1@x>\n\nx",
    "mode": "generate",
    "msg": "x",
    "new_code": "100000",
    "new_prefix": "1",
    "old_code": "100000",
    "old_prefix": "1",
    "operator": "=",
    "package_ids": [],
    "partial_id": 1,
    "payload": [],
    "payment_amount": 1.0,
    "query": "x",
    "search": "x",
    "search_term": "x",
    "unspsc_codes": [],
    "value": 1.0,
    "vat": "1",
}
# What only single methods mean by the name of a parameter
METHOD_WISHES = {
    # The first call of a form: what it would be filled with
    "onchange": {"field_names": []},
}
SWITCHES = {"action_archive", "action_unarchive", "toggle_active"}
