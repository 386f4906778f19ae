"""H 97 to 114: every type of PostgreSQL through the whole pipeline, the same text in the target as in the source."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ops.stack.state import Endpoints
from tests.checker.same import compare_same
from tests.fix_pipeline import Pipeline, pipeline_of
from tests.type_zoo import SETUP_SQL, ZOO

KINDS = {f"c{n}": kind for n, (kind, _) in enumerate(ZOO)}
# The n-th row has the n-th value of each type, and NULL where a type has no more of them.
ROWS = max(len(literals) for _, literals in ZOO)


@pytest.fixture
def zoo(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Pipeline]:
    """One table on both sides, with a column of each type."""
    folder = tmp_path / "zoo"
    (folder / "entities").mkdir(parents=True)
    copies = "\n".join(f'{name} = "{name}"' for name in ("nr", *KINDS))
    rules = (
        f'source = "public.zoo"\ntarget = "app.zoo"\n[columns]\nid = {{ uuid = true }}\n{copies}\n'
    )
    (folder / "entities" / "zoo.toml").write_text(rules)
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.items())
    create(endpoints.source_dsn, f"CREATE TABLE public.zoo (nr int PRIMARY KEY, {columns})")
    create(
        endpoints.target_dsn,
        f"CREATE SCHEMA app; CREATE TABLE app.zoo (id uuid PRIMARY KEY, nr int, {columns})",
    )
    yield from pipeline_of(folder, prefix, endpoints)


def create(dsn: str, statements: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(SETUP_SQL.encode())
        connection.execute(statements.encode())


def test_case_097_to_114_every_value_is_printed_as_in_the_source(zoo: Pipeline) -> None:
    with psycopg.connect(zoo.at.source_dsn, autocommit=True) as source:
        known = [n for n, (kind, _) in enumerate(ZOO) if is_built_in(source, kind)]
        insert(source, known, first=0)
        zoo.finish("check")
        zoo.start("produce")
        zoo.start("consume")
        zoo.wait_for("the tail", zoo.in_tail)
        insert(source, known, first=100)
        for row in range(ROWS):
            source.execute("INSERT INTO zoo (nr) VALUES (%s)", [200 + row])
            source.execute(update(known), [*values(known, row), 200 + row])
        # Large values stay as they are, and are not sent.
        source.execute("UPDATE zoo SET c0 = NOT c0 WHERE nr < 100")
    zoo.drain()
    problems = compare_same(
        zoo.at.source_dsn, zoo.at.target_dsn, ("public", "zoo"), ("nr",), tuple(KINDS),
        target_table=("app", "zoo"),
    )  # fmt: skip
    assert [f"{problem} {KINDS.get(problem.column, '')}" for problem in problems] == []


def is_built_in(connection: psycopg.Connection, kind: str) -> bool:
    """Whether the server was built with the type; XML may be left out."""
    try:
        connection.execute(f"SELECT '<a/>'::{kind}".encode() if kind == "xml" else b"SELECT")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def values(known: list[int], row: int) -> list[str | None]:
    return [
        literals[row] if row < len(literals) else None for _, literals in (ZOO[n] for n in known)
    ]


def insert(connection: psycopg.Connection, known: list[int], *, first: int) -> None:
    statement = sql.SQL("INSERT INTO zoo (nr, {}) VALUES (%s, {})").format(
        sql.SQL(", ").join(sql.Identifier(f"c{n}") for n in known),
        sql.SQL(", ").join(sql.Placeholder() for _ in known),
    )
    for row in range(ROWS):
        connection.execute(statement, [first + row, *values(known, row)])


def update(known: list[int]) -> sql.Composed:
    settings = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(f"c{n}"), sql.Placeholder()) for n in known
    )
    return sql.SQL("UPDATE zoo SET {} WHERE nr = %s").format(settings)
