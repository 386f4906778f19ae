"""Comparing the target's rows with the expected ones."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext

import polars as pl
import psycopg
from psycopg import sql

from tests.checker.database import read, read_frame, scalar
from tests.checker.entity import Entity
from tests.checker.expected import Expected
from tests.checker.report import Problem

_SUM_DIGITS = 60  # More than any sum of numeric(14,2) needs, so that nothing is rounded.


def target_rows(target: psycopg.Connection, table: str, columns: Iterable[str]) -> pl.DataFrame:
    """The rows of a target table: id and the given columns."""
    names = sql.SQL(", ").join(map(sql.Identifier, ("id", *columns)))
    query = sql.SQL("SELECT {} FROM clinic.{}").format(names, sql.Identifier(table))
    return read_frame(target, query.as_bytes(target))


def shared_out(
    found: pl.DataFrame, owners: Sequence[Entity], expected: Mapping[str, Expected]
) -> dict[str, pl.DataFrame]:
    """Whose the rows of a table are: to each entity its own, and to the first what nobody knows.

    Args:
        found: All rows of the table.
        owners: The entities with rows of their own there.
        expected: By entity.
    """
    shares = {}
    first, *others = owners
    for entity in others:
        ids = expected[entity.name].rows
        shares[entity.name] = found.join(ids, on="id", how="semi")
        found = found.join(ids, on="id", how="anti")
    shares[first.name] = found
    return shares


def compare_rows(
    entity: Entity, expected: Expected, found: pl.DataFrame, *, values: bool
) -> list[Problem]:
    """Missing, extra and different rows.

    Args:
        entity: Whose rows they are.
        expected: What must be there.
        found: What is there.
        values: Say both values of a difference; else only where it is.
    """
    live = expected.live
    missing = live.join(found, on="id", how="anti")["legacy_key"].sort()
    extra = found.join(live, on="id", how="anti")["id"].sort()
    pairs = live.join(found, on="id", how="inner", suffix=" found")
    return [
        *(Problem(kind="missing", entity=entity.name, key=key) for key in missing),
        *(
            problem
            for column in expected.columns
            for problem in _differences(entity, column, pairs, values=values)
        ),
        *(Problem(kind="extra", entity=entity.name, key=key) for key in extra),
    ]


def _differences(
    entity: Entity, column: str, pairs: pl.DataFrame, *, values: bool
) -> list[Problem]:
    different = pairs.filter(pl.col(column).ne_missing(pl.col(f"{column} found")))
    return [
        Problem(
            kind="different",
            entity=entity.name,
            key=key,
            column=column,
            detail=f"expected {wanted!r}, found {found!r}" if values else "",
        )
        for key, wanted, found in different.select(
            "legacy_key", column, f"{column} found"
        ).iter_rows()
    ]


def compare_money(
    target: psycopg.Connection, owners: Sequence[Entity], expected: Mapping[str, Expected]
) -> list[Problem]:
    """Sums of a table that are not equal to the cent, the target's computed by the target.

    Args:
        target: A connection of `snapshot`.
        owners: The entities with rows of their own there; the first says which columns are money.
        expected: By entity.
    """
    first = owners[0]
    problems = []
    for column in first.money:
        query = sql.SQL("SELECT coalesce(sum({}), 0) FROM clinic.{}").format(
            sql.Identifier(column), sql.Identifier(first.target)
        )
        amounts = pl.concat([expected[entity.name].live[column] for entity in owners])
        with localcontext(prec=_SUM_DIGITS):
            wanted = sum(map(Decimal, amounts.drop_nulls()), Decimal(0))
            off = Decimal(scalar(target, query)) - wanted
        if off:
            detail = f"the target's total is off by {off}"
            problems.append(Problem(kind="money", entity=first.name, column=column, detail=detail))
    return problems


def unchecked_columns(
    target: psycopg.Connection, entity: Entity, expected: Expected
) -> list[Problem]:
    """Columns of the target that no expected value speaks of."""
    query = """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'clinic' AND table_name = %s
    """
    found = {row[0] or "" for row in read(target, query, (entity.target,)).rows}
    unknown = found - {"id", *expected.columns}
    return [
        Problem(kind="unchecked", entity=entity.name, column=column) for column in sorted(unknown)
    ]
