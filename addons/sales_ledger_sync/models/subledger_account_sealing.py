import logging
import random
import time
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import STATUS_READY

from odoo import api, models
from odoo.tools import SQL

from ..retrying import retry

_logger = logging.getLogger(__name__)

# Entries sealed in one transaction: some tenths of a second, some megabytes.
BATCH_SIZE = 20_000
# A sealer that loses against another one tries again this often.
ATTEMPTS = 5
# Who finds an account held by another sealer looks again so often, after a pause; the
# other needs some milliseconds, and the scheduled sweep takes what is left then.
PATIENCE = 5
LONGEST_PAUSE = 0.02
# More entries of one transaction than these are left to the sweeps: whoever changed an
# account of a million items does not wait until they are sealed.
AT_ONCE = 1_000
SWEEPS = ("ir_cron_seal", "ir_cron_seal_2")
PENDING = "sales_ledger_sync.sealing"
# What PostgreSQL says of an account that somebody changed past the ORM: a number is
# taken, a figure has no room.
DAMAGED = (psycopg2.IntegrityError, psycopg2.DataError, psycopg2.InternalError)


class SealedBatch(NamedTuple):
    """Numbers of accounts to be sealed, of those locked, and of entries sealed; the
    last of the accounts: company id, partner id or 0, account id."""

    waiting: int = 0
    locked: int = 0
    sealed: int = 0
    last_key: list | None = None


class SubledgerAccount(models.Model):
    """Sealing: numbers, running balances and hashes, after the entries are committed.

    Posting only inserts. Whoever numbered at that moment would make everybody who
    posts for the same customer wait, or fail.
    """

    _inherit = "subledger.account"

    @api.model
    def _schedule_sealing(self, keys):
        """Seal these subledger accounts once this transaction is committed.

        :param keys: tuples (company id, partner id or 0, account id), or a Counter of
            them that says how many entries each got
        """
        if not keys:
            return
        postcommit = self.env.cr.postcommit
        pending = postcommit.data.setdefault(PENDING, Counter())
        if not pending:
            postcommit.add(self._seal_pending)
        pending.update(keys)

    @api.model
    def _seal_pending(self):
        pending = self.env.cr.postcommit.data.pop(PENDING, Counter())
        try:
            if sum(pending.values()) > AT_ONCE:
                self._in_own_transaction(self._trigger_sweeps)
            else:
                self._seal(set(pending))
        except psycopg2.Error as error:
            # What was posted is committed and stays; the scheduled sweep seals it.
            _logger.info("Sealing left to the scheduled sweep: %s", error)

    @api.model
    def _trigger_sweeps(self, env):
        for name in SWEEPS:
            sweep = env.ref(f"sales_ledger_sync.{name}", raise_if_not_found=False)
            if sweep:
                sweep._trigger()

    @api.model
    def _cron_seal(self, backwards=False):
        """Sweep up what a crash, a busy account or a backfill left unsealed.

        Two workers begin at both ends, so that they do not ask for the same accounts.
        """
        cron, remaining = self.env["ir.cron"], self._count_unsealed()
        cron._commit_progress(remaining=remaining)

        def go_on(sealed):
            nonlocal remaining
            # Counting reads all that is unsealed: again only where the end is near.
            remaining = max(remaining - sealed, 0) or self._count_unsealed()
            return cron._commit_progress(sealed, remaining=remaining)

        self._seal(backwards=backwards, go_on=go_on)

    @api.model
    def _count_unsealed(self):
        [(count,)] = self.env.execute_query(
            SQL("SELECT COUNT(*) FROM subledger_entry WHERE number IS NULL")
        )
        return count

    @api.model
    def _seal(self, keys=None, limit=None, backwards=False, go_on=None):
        """Number the unsealed entries, with running balance and hash chain.

        Works in transactions of its own, so it sees and seals committed entries
        only, in commit order. Accounts that another sealer holds are left to it.

        :param keys: set of tuples (company id, partner id or 0, account id); all
            accounts when omitted
        :param int limit: stop after about so many entries
        :param bool backwards: begin with the last accounts; within an account the
            entries are always sealed in their order
        :param go_on: called with the number of entries after each batch; to stop, it
            returns a false value
        :return: number of entries sealed
        """
        if keys is not None and not keys:
            return 0
        total, patience, heads_known, start = 0, PATIENCE, False, None
        while limit is None or total < limit:
            size = min(BATCH_SIZE, (limit or BATCH_SIZE))
            batch = self._seal_next(keys, size, backwards, start)
            total += batch.sealed
            if batch.sealed and go_on and not go_on(batch.sealed):
                break
            is_end = batch.locked == batch.waiting and batch.sealed < size
            if is_end and not start:
                break  # nothing is left; most often after the first batch
            if batch.sealed and not is_end:
                start = batch.last_key if keys is None else None
                heads_known = False  # a walk takes its time, new accounts may come
                continue
            if start:
                start = None  # again from the beginning: what was held or came since
                continue
            # Nothing locked: accounts that have no head yet, or that another sealer
            # holds, who may have looked at them before our entries were committed.
            if not heads_known:
                # Looks again in any case: another one may have created them just now.
                heads_known = True
                self._in_own_transaction(self._create_heads, keys)
                continue
            if keys is None or not patience or not self._is_any_waiting(keys):
                break
            patience -= 1
            time.sleep(random.uniform(0, LONGEST_PAUSE))
        return total

    @api.model
    def _seal_next(self, keys, size, backwards, start):
        """The same as :meth:`_seal_batch`, without what cannot be sealed."""
        try:
            return self._in_own_transaction(
                self._seal_batch, keys, size, backwards, start
            )
        except DAMAGED as error:
            return SealedBatch(sealed=self._seal_each(keys, size, error))

    @api.model
    def _seal_each(self, keys, size, error):
        """Seal account by account: a damaged one must not keep the others waiting.

        :return: number of entries sealed
        """
        waiting = self._in_own_transaction(self._find_waiting, keys)
        if len(waiting) == 1:
            _logger.error(
                "Entries of company %s, partner %s, account %s cannot be sealed: %s",
                *waiting[0],
                error,
            )
            return 0
        total = 0
        for key in waiting:
            if total < size:
                total += self._seal({key}, size - total)
        return total

    @api.model
    def _is_any_waiting(self, keys):
        """Not so if the other one sealed our entries, or they were rolled back."""
        return bool(self._in_own_transaction(self._find_waiting, keys))

    @api.model
    def _find_waiting(self, env, keys):
        return env.execute_query(
            SQL(
                """SELECT DISTINCT company_id, COALESCE(partner_id, 0), account_id
                     FROM subledger_entry AS tail
                    WHERE number IS NULL AND %s""",
                self._asked_condition(keys),
            )
        )

    @api.model
    def _in_own_transaction(self, method, *args):
        """Call ``method(env, *args)`` in a new transaction; try again when another
        one was faster."""

        def attempt():
            with self._own_transaction() as env:
                return method(env, *args)

        return retry(attempt, ATTEMPTS, pause=0.01)

    @contextmanager
    def _own_transaction(self):
        connection = self.env.cr.connection
        if connection.status != STATUS_READY:
            with self.env.registry.cursor() as cr:
                yield self.env(cr=cr)
            return
        # After a commit the connection is free: taking another one from the pool, where
        # none may be left, takes half as long as sealing an entry. Not committed by the
        # cursor, whose hooks after a commit are running.
        try:
            yield self.env
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
