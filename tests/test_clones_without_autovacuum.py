"""Clones for tests: no table is ever counted as empty, whenever it was made."""

from devtools.databases import query
from devtools.session import session_of_tests

COUNTED = """
    SELECT relname FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
       AND NOT COALESCE('autovacuum_enabled=off' = ANY(reloptions), FALSE)"""


def test_autovacuum_stays_off():
    session = session_of_tests()
    with session.databases.clone(session.templates.empty(), "quiet") as database:
        assert query(COUNTED, database)
        session.databases.stop_autovacuum(database)
        query("CREATE TABLE later (id int)", database)
        assert query(COUNTED, database) == []
