"""Checks of what callers of the public API pass in.

The JSON-2 interface hands over whatever the client sent: text instead of a number,
NaN, an id of ten digits too many. Each helper returns a clean value or raises the one
message the client gets; nothing unchecked reaches the ORM or PostgreSQL, where it
would become an HTTP 500.
"""

import math
from numbers import Real

from odoo import fields
from odoo.exceptions import AccessError, MissingError, UserError

# Beyond this no quantity or price is meant seriously, and float arithmetic loses cents.
MAX_NUMBER = 1e12
# Largest value of PostgreSQL's integer, the type of every id.
MAX_ID = 2**31 - 1


def refuse(message, details, kind=UserError):
    """Raise a UserError that also carries figures.

    The client finds ``details`` as second item of ``arguments`` in the body of the
    HTTP 422 (or 403) answer; the web client shows the first item, the message, only.

    :param str message: one translated sentence for the reader
    :param dict details: JSON-serializable figures
    :param kind: UserError or a class derived from it
    :raises UserError: always
    """
    error = kind(message)
    # The class must stay that of odoo.exceptions: clients know it by its name.
    error.args = (message, details)
    raise error


def number(env, value, label):
    """Return ``value`` as float if it is an ordinary, finite number.

    :param str label: translated name of the argument, for the message
    :raises UserError: for text, booleans, NaN, infinity and absurdly large numbers
    """
    usable = isinstance(value, Real) and not isinstance(value, bool)
    if not usable or not math.isfinite(value) or abs(value) > MAX_NUMBER:
        raise UserError(
            env._(
                "%(label)s must be an ordinary number, not %(value)s.",
                label=label,
                value=repr(value)[:60],
            )
        )
    return float(value)


def positive(env, value, label):
    """Return ``value`` as float if it is a number greater than zero.

    :raises UserError: otherwise
    """
    result = number(env, value, label)
    if result <= 0:
        raise UserError(
            env._(
                "%(label)s must be greater than zero, not %(value)s.",
                label=label,
                value=value,
            )
        )
    return result


def check_amounts(env, vals_list, *names):
    """Refuse values of these fields that are no ordinary numbers.

    PostgreSQL takes "not a number" for larger than any amount: as a limit it would be
    credit without end.

    :raises UserError: for text that is no number, NaN, infinity, absurd amounts
    """
    for vals in vals_list:
        for name in names:
            value = vals.get(name) or 0.0
            try:
                value = float(value)
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value) or abs(value) > MAX_NUMBER:
                raise UserError(
                    env._(
                        "An amount must be an ordinary number, not %(value)s.",
                        value=repr(vals[name])[:60],
                    )
                )


def given(model, vals, name):
    """Return what a creation with ``vals`` gives the field, defaults included.

    The client's context and personal defaults fill in what is not named: who looks
    only at ``vals`` is fooled by them.
    """
    return vals[name] if name in vals else model.default_get([name]).get(name)


def check_days(env, vals_list, *names):
    """Refuse values of these fields that are no days.

    :raises UserError: for anything but a date, its text or nothing
    """
    for vals in vals_list:
        for name in names:
            value = vals.get(name)
            try:
                fields.Date.to_date(value)
            except (TypeError, ValueError, AttributeError) as error:
                raise UserError(
                    env._(
                        "%(value)s is no day; write it like 2030-12-31.",
                        value=repr(value)[:60],
                    )
                ) from error


def percentage(env, value, label):
    """Return ``value`` as float if it is a number from 0 to 100.

    :raises UserError: otherwise
    """
    result = number(env, value, label)
    if not 0 <= result <= 100:
        raise UserError(
            env._(
                "%(label)s must be between 0 and 100, not %(value)s.",
                label=label,
                value=value,
            )
        )
    return result


def record(env, model, record_id, label):
    """Return the record of ``model`` with this id, readable by the user.

    :param str model: technical name of the model
    :param record_id: the id as the client sent it
    :raises UserError: if it is no id at all
    :raises MissingError: if no such record exists
    :raises AccessError: if the user may not read it, other companies' included
    """
    return records(env, model, [record_id], label)


def records(env, model, record_ids, label):
    """Same as :func:`record` for a list of ids; an empty list gives no records."""
    if not isinstance(record_ids, (list, tuple)):
        record_ids = [record_ids]
    for record_id in record_ids:
        _check_id(env, record_id, label)
    return _readable(env[model].browse(record_ids), label)


def visible(env, model, record_id, label):
    """Return the record of ``model``, or none where it is gone or not readable.

    :raises UserError: if it is no id at all
    :raises MissingError: if no record can have such an id
    """
    _check_id(env, record_id, label)
    return env[model].browse(record_id).exists()._filtered_access("read")


def single(recordset, label):
    """Return the one record a method was called on, readable by the user.

    :raises UserError: if the call named no record, several, or something else
    :raises MissingError: if the record does not exist
    :raises AccessError: if the user may not read it
    """
    env = recordset.env
    if len(recordset._ids) != 1:
        raise UserError(
            env._(
                "Pass exactly one id in `ids`: the %(label)s to work on.", label=label
            )
        )
    _check_id(env, recordset._ids[0], label)
    return _readable(recordset, label)


def plain(recordset):
    """Return the records without the context keys a client may have sent.

    Some of Odoo's keys change what is in stock or what a product costs; language, time
    zone and companies remain.
    """
    context = recordset.env.context
    kept = ("lang", "tz", "allowed_company_ids")
    kept_context = {key: context[key] for key in kept if key in context}
    # Replacing the context is the purpose here.
    return recordset.with_env(recordset.env(context=kept_context))


def check_internal(env):
    """Refuse portal and public users.

    :raises AccessError: for anybody who is not an internal user
    """
    if not env.su and not env.user._is_internal():
        raise AccessError(env._("Only users of the company may call this."))


def _check_id(env, record_id, label):
    whole = isinstance(record_id, int) and not isinstance(record_id, bool)
    if not whole:
        raise UserError(
            env._(
                "%(label)s must be an id, a whole number, not %(value)s.",
                label=label,
                value=repr(record_id)[:60],
            )
        )
    if not 0 < record_id <= MAX_ID:
        raise MissingError(
            env._(
                "There is no %(label)s with id %(value)s.", label=label, value=record_id
            )
        )


def _readable(recordset, label):
    missing = recordset - recordset.exists()
    if missing:
        raise MissingError(
            recordset.env._(
                "There is no %(label)s with id %(value)s.",
                label=label,
                value=missing[0].id,
            )
        )
    recordset.check_access("read")
    return recordset
