"""A database of its own for each test."""

import secrets
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection, sql

from ops.stack.state import Endpoints

DROP_DEADLINE_S = 15.0


@pytest.fixture
def source_database(stack: Endpoints) -> Iterator[str]:
    """The DSN of an empty database on the legacy server."""
    yield from new_database(stack.source_dsn)


@pytest.fixture
def target_database(stack: Endpoints) -> Iterator[str]:
    """The DSN of an empty database on the target server."""
    yield from new_database(stack.target_dsn)


def new_database(server: str, template: str = "template0") -> Iterator[str]:
    """Make a database on the server of this DSN; drop it afterwards with its slots."""
    name = f"test_{secrets.token_hex(6)}"
    database = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as admin:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        admin.execute(create.format(database, sql.Identifier(template)))
    yield f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        drop_slots(admin, name)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def drop_slots(admin: Connection, database: str) -> None:
    """Drop the slots of a database; their readers are ended first, and need a moment to let go."""
    deadline = time.monotonic() + DROP_DEADLINE_S
    slots = "SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = %s"
    while found := admin.execute(slots, [database]).fetchall():
        assert time.monotonic() < deadline, f"slots of {database} stay in use: {found}"
        for slot, reader in found:
            if reader is None:
                admin.execute("SELECT pg_drop_replication_slot(%s)", [slot])
            else:
                admin.execute("SELECT pg_terminate_backend(%s, 1000)", [reader])
