"""A target for each test of the apply: one database a module, emptied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.state import Endpoints
from tests.fix_postgres import new_database
from tests.integration.apply.migrated import Connection, Migrated, connect

_EMPTY = """
DROP SCHEMA IF EXISTS legacy, app, understudy CASCADE; CREATE SCHEMA legacy; CREATE SCHEMA app"""


@pytest.fixture(scope="module")
def session(stack: Endpoints) -> Iterator[Connection]:
    """A session as the workers have it, in a database of its own."""
    for dsn in new_database(stack.target_dsn):
        with connect(dsn) as connection:
            yield connection


@pytest.fixture
def migrated(session: Connection, tmp_path: Path) -> Migrated:
    """An empty target; the test makes its tables and entities."""
    session.execute("DISCARD ALL")
    session.execute(_EMPTY)
    return Migrated(connection=session, folder=tmp_path)
