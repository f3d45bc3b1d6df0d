from unittest.mock import Mock, patch

from psycopg2 import errors

from odoo.tests import BaseCase, tagged

from .. import retrying


@tagged("post_install", "-at_install")
class TestRetrying(BaseCase):
    def setUp(self):
        super().setUp()
        self.sleep = self.startPatcher(patch.object(retrying.time, "sleep"))
        self.undo = Mock()

    def test_until_it_succeeds(self):
        job = Mock(
            side_effect=[errors.SerializationFailure, errors.DeadlockDetected, 7]
        )
        self.assertEqual(retrying.retry(job, 5, 0.1, self.undo), 7)
        self.assertEqual(self.undo.call_count, 2)
        self.assertEqual(self.sleep.call_count, 2)

    def test_the_last_failure_is_told(self):
        job = Mock(side_effect=errors.LockNotAvailable)
        with self.assertRaises(errors.LockNotAvailable):
            retrying.retry(job, 3, 0.1, self.undo)
        self.assertEqual((job.call_count, self.undo.call_count), (3, 3))
        self.assertEqual(self.sleep.call_count, 2)

    def test_other_failures_are_not_repeated(self):
        job = Mock(side_effect=errors.UniqueViolation)
        with self.assertRaises(errors.UniqueViolation):
            retrying.retry(job, 3, 0.1, self.undo)
        self.assertEqual(job.call_count, 1)
