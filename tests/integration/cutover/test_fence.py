"""The fence on a real server: whom it shuts out, what it waits for, and that it gives back what it took."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from ops import databases
from ops.cutover.fence import Fence
from schemas.errors import NotReadyError
from schemas.pipeline import Cutover

TABLES = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE "Odd Orders" (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE visits (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE free (id int PRIMARY KEY, customer int REFERENCES customers);
INSERT INTO customers VALUES (1, 'Ada');
INSERT INTO visits VALUES (1, '2024-01-01');
"""
PLACES = [("public", "customers"), ("public", "Odd Orders"), ("public", "visits")]
# For the lock of a table, or by looking who has one.
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'understudy test'
    AND (wait_event_type = 'Lock' OR query LIKE '-- Sessions whose open transaction%')"""
WRITES = (
    "INSERT INTO customers VALUES (2, 'Bob')",
    "UPDATE customers SET name = 'Eve'",
    "DELETE FROM customers",
    "TRUNCATE customers CASCADE",
    'INSERT INTO "Odd Orders" VALUES (1, 1)',
    "INSERT INTO visits VALUES (2, '2024-01-01')",
    "UPDATE visits_old SET id = 3",
    "SET session_replication_role = replica; DELETE FROM customers",
)


@pytest.fixture
def database(source_database: str) -> str:
    with psycopg.connect(source_database, autocommit=True) as connection:
        connection.execute(TABLES)
    return source_database


@pytest.fixture
def closed(database: str) -> Iterator[Fence]:
    """A fence of triggers alone, closed."""
    with databases.source(database, "test") as connection:
        fence = Fence(connection, Cutover(), PLACES)
        fence.close(fence.takes(), deadline(10))
        yield fence


@pytest.fixture
def roles(database: str, prefix: str) -> Iterator[tuple[str, str]]:
    """A role that may log in, and one that may not."""
    names = f"{prefix}_app", f"{prefix}_batch"
    with psycopg.connect(database, autocommit=True) as connection:
        for name, login in zip(names, ("LOGIN", "NOLOGIN"), strict=True):
            command = sql.SQL("CREATE ROLE {} " + login)
            connection.execute(command.format(sql.Identifier(name)))
        yield names
        for name in names:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def deadline(seconds: float) -> float:
    return time.monotonic() + seconds


def as_role(database: str, role: str) -> str:
    return database.replace("postgres@", f"{role}@")


def await_waiting(database: str) -> None:
    """Until a fence that is being closed waits for a writer."""
    until = deadline(10)
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute(WAITING).fetchall() == [(0,)]:
            assert time.monotonic() < until


@pytest.mark.parametrize("statement", WRITES)
def test_a_closed_fence_refuses_every_write_even_of_a_superuser(
    closed: Fence, database: str, statement: str
) -> None:
    assert closed.tables()
    with (
        psycopg.connect(database, autocommit=True) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="is closed to writes"),
    ):
        connection.execute(statement.encode())


def test_a_closed_fence_lets_through_reads_other_tables_and_the_way_back(
    closed: Fence, database: str
) -> None:
    assert closed.tables()
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM customers").fetchall() == [(1,)]
        connection.execute("INSERT INTO free VALUES (1, 1)")
        connection.execute("SET understudy.fence = off")
        connection.execute("INSERT INTO customers VALUES (2, 'Bob')")


def test_closing_and_opening_again_and_again_leaves_the_tables_as_they_were(
    closed: Fence, database: str
) -> None:
    taken = closed.takes()
    closed.close(taken, deadline(10))
    assert ("public", "visits_old") in taken.tables
    for _ in range(2):
        closed.open(taken)
    assert not any(table.is_fenced for table in closed.tables())
    with psycopg.connect(database, autocommit=True) as connection:
        gone = connection.execute("SELECT to_regnamespace('understudy') IS NULL").fetchall()
        assert gone == [(True,)]
        connection.execute("INSERT INTO customers VALUES (2, 'Bob')")


def test_writers_lose_their_sessions_and_their_login_and_get_back_what_they_had(
    database: str, roles: tuple[str, str]
) -> None:
    settings = Cutover(writers=roles, tables_refuse=False)
    with databases.source(database, "test") as connection:
        fence = Fence(connection, settings, PLACES)
        with psycopg.connect(as_role(database, roles[0])) as writer:
            taken = fence.takes()
            assert taken.logins == (roles[0],)
            assert fence.close(taken, deadline(10)).sessions_ended == 1
            with pytest.raises(psycopg.OperationalError):
                writer.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            psycopg.connect(as_role(database, roles[0]))
        # Closed already, there is nothing left to take; what was taken is still known.
        assert fence.takes().logins == ()
        assert fence.takes(taken) == taken
        fence.open(taken)
        psycopg.connect(as_role(database, roles[0])).close()
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            psycopg.connect(as_role(database, roles[1]))


@pytest.mark.parametrize("tables_refuse", [True, False])
def test_an_open_transaction_that_ends_in_time_is_waited_for(
    database: str, *, tables_refuse: bool
) -> None:
    with (
        databases.source(database, "test") as connection,
        psycopg.connect(database) as writer,
        ThreadPoolExecutor() as pool,
    ):
        writer.execute("INSERT INTO customers VALUES (2, 'Bob')")
        fence = Fence(connection, Cutover(tables_refuse=tables_refuse), PLACES)
        closing = pool.submit(fence.close, fence.takes(), deadline(10))
        await_waiting(database)
        writer.commit()
        assert closing.result().transactions_ended == 0
    with psycopg.connect(database) as reader:
        assert reader.execute("SELECT count(*) FROM customers").fetchall() == [(2,)]


@pytest.mark.parametrize("tables_refuse", [True, False])
def test_an_open_transaction_that_does_not_end_is_rolled_back(
    database: str, *, tables_refuse: bool
) -> None:
    with databases.source(database, "test") as connection, psycopg.connect(database) as writer:
        writer.execute("INSERT INTO customers VALUES (2, 'Bob')")
        fence = Fence(connection, Cutover(tables_refuse=tables_refuse), PLACES)
        assert fence.close(fence.takes(), deadline(10)).transactions_ended == 1
        with pytest.raises(psycopg.OperationalError):
            writer.commit()
        assert connection.execute("SELECT count(*) FROM public.customers").fetchall() == [(1,)]


def test_a_prepared_transaction_keeps_the_fence_from_closing(database: str) -> None:
    with (
        databases.source(database, "test") as connection,
        psycopg.connect(database, autocommit=True) as writer,
    ):
        writer.execute("BEGIN")
        writer.execute("INSERT INTO customers VALUES (2, 'Bob')")
        writer.execute("PREPARE TRANSACTION 'fence'")
        fence = Fence(connection, Cutover(), PLACES)
        with pytest.raises(NotReadyError, match="prepared transactions"):
            fence.close(fence.takes(), deadline(10))
        assert not any(table.is_fenced for table in fence.tables())
        writer.execute("COMMIT PREPARED 'fence'")
        fence.close(fence.takes(), deadline(10))
