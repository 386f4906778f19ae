"""A table beside the clinic for what the clinic does not do: huge transactions, TRUNCATE, new keys of large rows."""

import random
import threading
from pathlib import Path
from typing import LiteralString

import psycopg

NAME = "ledger"
PLACE, TARGET_PLACE = ("public", NAME), ("extra", NAME)
KEY, COLUMNS = ("nr",), ("account", "amount", "note")
SOURCE = """
CREATE TABLE public.ledger (nr bigserial PRIMARY KEY, account int NOT NULL, amount numeric(20, 2) NOT NULL, note text);
ALTER TABLE public.ledger ALTER note SET STORAGE EXTERNAL;
INSERT INTO public.ledger (account, amount, note)
SELECT n % 10, n / 100.0, CASE WHEN n % 20 = 0 THEN repeat(md5(n::text), 100) END FROM generate_series(1, 4000) n;
"""
TARGET = """
CREATE SCHEMA extra;
CREATE TABLE extra.ledger (
    id uuid PRIMARY KEY, nr bigint, account int NOT NULL, amount numeric(20, 2) NOT NULL, note text
);
"""
ENTITY = """
source = "public.ledger"
target = "extra.ledger"
partitions = 2
[columns]
id      = { uuid = true }
nr      = "nr"
account = "account"
amount  = "amount"
note    = "note"
"""
HUGE_ROWS = 2_500
PAUSE_S = 0.2

# Statements of one transaction each, and how often they come.
_CHANGES: dict[LiteralString, int] = {
    # Money moves from one account to another.
    "WITH one AS (SELECT nr, row_number() OVER (ORDER BY random()) AS n FROM ledger LIMIT 2)"
    " UPDATE ledger AS l SET amount = amount + CASE one.n WHEN 1 THEN 0.01 ELSE -0.01 END"
    " FROM one WHERE one.nr = l.nr": 20,
    # The large value stays and is not sent.
    "UPDATE ledger SET account = account + 1 WHERE note IS NOT NULL AND nr % 100 = {some}": 6,
    "UPDATE ledger SET nr = nextval('ledger_nr_seq') WHERE note IS NOT NULL AND nr % 100 = {some}": 4,
    "DELETE FROM ledger WHERE nr % 100 = {some} AND note IS NULL": 2,
    # Deleted and inserted again with the same key.
    "CREATE TEMP TABLE again ON COMMIT DROP AS SELECT * FROM ledger WHERE nr % 100 = {some};"
    " DELETE FROM ledger WHERE nr % 100 = {some}; INSERT INTO ledger SELECT * FROM again": 4,
    "INSERT INTO ledger (account, amount) SELECT n % 10, n / 100.0 FROM generate_series(1, {huge}) n": 1,
    "SAVEPOINT a; INSERT INTO ledger (account, amount) SELECT 1, 1 FROM generate_series(1, 100);"
    " ROLLBACK TO a; UPDATE ledger SET amount = amount + 1 WHERE nr % 100 = {some}": 2,
    "TRUNCATE ledger; INSERT INTO ledger (account, amount, note)"
    " SELECT n % 10, n / 100.0, CASE WHEN n % 20 = 0 THEN repeat(md5(n::text), 100) END"
    " FROM generate_series(1, 500) n": 1,
}


def add_to(folder: Path, source_dsn: str, target_dsn: str) -> None:
    """Create the table on both sides, and its entity in the migration folder."""
    (folder / "entities" / f"{NAME}.toml").write_text(ENTITY)
    for dsn, statements in ((source_dsn, SOURCE), (target_dsn, TARGET)):
        with psycopg.connect(dsn) as connection:
            connection.execute(statements.encode())


class Bookkeeper:
    """Writes into the ledger, and remembers when.

    Attributes:
        entries: Numbers of rows that were inserted, with an LSN that lies behind their commit.
    """

    def __init__(self, dsn: str, seed: int) -> None:
        """Prepare; nothing is opened yet."""
        self._dsn = dsn
        self._random = random.Random(seed)  # noqa: S311 - not cryptography.
        self.entries: dict[int, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Write until the event is set."""
        changes, weights = tuple(_CHANGES), tuple(_CHANGES.values())
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not stop.wait(PAUSE_S):
                (change,) = self._random.choices(changes, weights)
                some = self._random.randrange(100)
                with connection.transaction():
                    connection.execute(change.format(some=some, huge=HUGE_ROWS).encode())
                self._enter(connection)

    def _enter(self, connection: psycopg.Connection) -> None:
        insert = "INSERT INTO ledger (account, amount) VALUES (0, 1) RETURNING nr"
        ((number,),) = connection.execute(insert).fetchall()
        self.entries[number] = written_up_to(connection)


def written_up_to(connection: psycopg.Connection) -> int:
    """An LSN behind everything that the server has committed."""
    query = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    ((lsn,),) = connection.execute(query).fetchall()
    return int(lsn)
