"""Repeating work that lost against another transaction."""

import random
import time

from psycopg2 import errors

RETRIABLE = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
)


def retry(job, attempts, pause, undo=None, lost=RETRIABLE):
    """Call ``job`` again as long as another transaction is faster.

    Odoo repeats requests, but neither scheduled actions nor what runs after a commit.

    :param int attempts: how often it is called at most
    :param float pause: seconds; a random time up to twice as many, four times ... is
        waited before the next attempt, so that two that met do not meet again
    :param undo: called after each failure, a cursor's ``rollback`` for instance
    :param lost: errors that say that another transaction was faster
    :return: what ``job`` returns
    :raise psycopg2.Error: the last attempt's, if that failed too
    """
    for attempt in range(1, attempts + 1):
        try:
            return job()
        except lost:
            if undo:
                undo()
            if attempt == attempts:
                raise
            time.sleep(random.uniform(0, pause * 2**attempt))
