"""H 97 to 114: what PostgreSQL prints in the source, it prints in the target."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import polars as pl
import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.errors import FeatureNotSupported

from consumers import staging
from ops.stack.state import Endpoints
from producers.copy_out import blocks
from schemas import envelope
from schemas.avro_read import EnvelopeReader
from schemas.avro_write import RowEncoder, SourceInfo
from schemas.event_id import EventId
from schemas.session import parameters
from schemas.table import CATALOG_SQL, Table, tables_of
from tests.fix_postgres import new_database
from tests.type_zoo import SETUP_SQL, WITHOUT_INPUT, ZOO

TOPIC = "zoo.public.zoo"
# Types of the catalog that a column can have, without arrays, which all have the same form.
BUILT_IN_SQL = """
SELECT format_type(oid, NULL) FROM pg_type
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'
AND NOT EXISTS (SELECT FROM pg_class WHERE reltype = pg_type.oid)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """The zoo as it left the source and as the consumers read it."""

    source: Connection
    table: Table
    frame: pl.DataFrame


def connect(dsn: str) -> Connection:
    return psycopg.connect(dsn, autocommit=True, **parameters("test"))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def source(stack: Endpoints) -> Iterator[Connection]:
    for dsn in new_database(stack.source_dsn):
        with connect(dsn) as connection:
            yield connection


@pytest.fixture(scope="module")
def target(stack: Endpoints) -> Iterator[Connection]:
    for dsn in new_database(stack.target_dsn):
        with connect(dsn) as connection:
            yield connection


@pytest.fixture(scope="module")
def arrived(source: Connection) -> Arrived:
    """All of the zoo in one table, a column a type, through the codec."""
    fill(source)
    wanted = {"schemas": ["public"], "tables": ["zoo"]}
    [table] = tables_of(source.execute(CATALOG_SQL.encode(), wanted).fetchall()).values()
    encoder = RowEncoder(table, 1, 2, SourceInfo(version="1", name="zoo", db="zoo"))
    values = [
        value
        for columns in blocks(source, table, sql.SQL("true"))
        for _, value in encoder.snapshot(columns, EventId(0, 1, 0), 0)
    ]
    frame = EnvelopeReader(envelope.value_schema(TOPIC, table)).read(values)
    return Arrived(source=source, table=table, frame=frame)


def fill(source: Connection) -> None:
    source.execute(SETUP_SQL.encode())
    definitions = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(ZOO))
    source.execute(f"CREATE TABLE public.zoo (id integer PRIMARY KEY, {definitions})".encode())
    for n, (_, literals) in enumerate(ZOO):
        add = sql.SQL(
            "INSERT INTO public.zoo (id, {0}) VALUES (%s, %s) "
            "ON CONFLICT (id) DO UPDATE SET {0} = excluded.{0}"
        ).format(sql.Identifier(f"c{n}"))
        with suppress(FeatureNotSupported):  # XML, where the server is built without it.
            for row, literal in enumerate(literals):
                source.execute(add, (row, literal))


def printed(connection: Connection, table: str, column: str) -> list[bytes]:
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY id) TO STDOUT")
    names = sql.Identifier(column), sql.Identifier(*table.split("."))
    with connection.cursor().copy(query.format(*names)) as copy:
        return [bytes(line) for line in copy]


@pytest.mark.parametrize("n", range(len(ZOO)), ids=[kind for kind, _ in ZOO])
def test_a_value_is_printed_as_in_the_source(arrived: Arrived, target: Connection, n: int) -> None:
    name = f"c{n}"
    column = arrived.table.column(name)
    assert column is not None
    with target.transaction(force_rollback=True), target.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE stage (id integer, {name} {column.base})".encode())
        lines = staging.lines_of(arrived.frame.select("id", name))
        staging.copy_into(cursor, "pg_temp.stage", lines)
        there = printed(target, "pg_temp.stage", name)
    here = printed(arrived.source, "public.zoo", name)
    count = sum(line != b"\\N\n" for line in here)
    if not count:
        pytest.skip("this server is built without the type")
    assert count == len(ZOO[n][1])
    assert there == here


def test_every_built_in_type_is_in_the_zoo(source: Connection) -> None:
    found = {str(name) for (name,) in source.execute(BUILT_IN_SQL.encode())}
    shown = {re.sub(r"\(.*?\)", "", kind) for kind, _ in ZOO}
    assert found - shown == WITHOUT_INPUT
