"""A database of its own for each test."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from psycopg import Connection, sql

from ops.stack.state import Endpoints

EMPTY = "template0"
DROP_DEADLINE_S = 15.0


@pytest.fixture
def source_database(stack: Endpoints) -> Iterator[str]:
    """The DSN of an empty database on the legacy server."""
    yield from new_database(stack.source_dsn)


@pytest.fixture
def target_database(stack: Endpoints) -> Iterator[str]:
    """The DSN of an empty database on the target server."""
    yield from new_database(stack.target_dsn)


def new_database(server: str, template: str = EMPTY) -> Iterator[str]:
    """Have a database on the server of this DSN; it is dropped afterwards with its slots."""
    name = BESIDE.taken(server) if template == EMPTY else create(server, template)
    yield f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        drop_slots(admin, name)
    BESIDE.drop(server, name)


class Beside:
    """Makes the next empty database, and drops the last one, while a test runs: each is mostly waiting."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self._thread = ThreadPoolExecutor(1, "databases")
        self._next: dict[str, Future[str]] = {}
        self._dropped: Future[None] | None = None

    def taken(self, server: str) -> str:
        """The name of an empty database."""
        ready = self._next.pop(server, None)
        try:
            name = ready.result() if ready else create(server)
        except psycopg.OperationalError:  # A test had the server down when it was made.
            name = create(server)
        self._next[server] = self._thread.submit(create, server)
        return name

    def drop(self, server: str, name: str) -> None:
        """Have a database dropped; that the last one could not be is raised now."""
        last, self._dropped = self._dropped, self._thread.submit(drop, server, name)
        _raise_of(last)

    def end(self) -> None:
        """Leave nothing behind, where the servers are still there."""
        try:
            _raise_of(self._dropped)
            for server, ready in self._next.items():
                with contextlib.suppress(psycopg.OperationalError):
                    drop(server, ready.result())
        finally:
            self._thread.shutdown()


def _raise_of(dropped: Future[None] | None) -> None:
    """That a database could not be dropped, unless its server was down."""
    if dropped:
        with contextlib.suppress(psycopg.OperationalError):
            dropped.result()


BESIDE = Beside()


def pytest_unconfigure() -> None:
    """The processes of a run end before its servers."""
    BESIDE.end()


def create(server: str, template: str = EMPTY) -> str:
    """Make a database under a name of its own, which is returned."""
    name = f"test_{secrets.token_hex(6)}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def drop(server: str, name: str) -> None:
    """Drop a database that has no slots."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


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
