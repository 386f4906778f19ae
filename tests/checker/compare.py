"""Comparing the target's rows with the expected ones."""

from decimal import Decimal, localcontext

import psycopg
from psycopg import sql

from tests.checker.database import Row, read, scalar
from tests.checker.entity import Entity
from tests.checker.expected import Expected
from tests.checker.report import Problem

_SUM_DIGITS = 60  # More than any sum of numeric(14,2) needs, so that nothing is rounded.


def target_rows(
    target: psycopg.Connection, entity: Entity, columns: tuple[str, ...]
) -> dict[str, Row]:
    """The rows of a target table by id."""
    query = sql.SQL("SELECT id, {} FROM clinic.{}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(entity.name)
    )
    return {row[0] or "": row[1:] for row in read(target, query).rows}


def compare_rows(
    entity: Entity, expected: Expected, found: dict[str, Row], *, values: bool
) -> list[Problem]:
    """Missing, extra and different rows.

    Args:
        entity: Whose rows they are.
        expected: What must be there.
        found: What is there, by id.
        values: Say both values of a difference; else only where it is.
    """
    problems = []
    wanted = {expected.ids[key]: key for key in expected.live}
    for identity, key in wanted.items():
        row = found.get(identity)
        if row is None:
            problems.append(Problem(kind="missing", entity=entity.name, key=key))
        elif row != expected.live[key]:
            problems += _differences(entity, key, expected, row, values=values)
    extra = found.keys() - wanted.keys()
    return problems + [Problem(kind="extra", entity=entity.name, key=key) for key in sorted(extra)]


def _differences(
    entity: Entity, key: str, expected: Expected, row: Row, *, values: bool
) -> list[Problem]:
    return [
        Problem(
            kind="different",
            entity=entity.name,
            key=key,
            column=column,
            detail=f"expected {wanted!r}, found {found!r}" if values else "",
        )
        for column, wanted, found in zip(expected.columns, expected.live[key], row, strict=True)
        if wanted != found
    ]


def compare_money(target: psycopg.Connection, entity: Entity, expected: Expected) -> list[Problem]:
    """Sums that are not equal to the cent, the target's computed by the target."""
    problems = []
    for column in entity.money:
        query = sql.SQL("SELECT coalesce(sum({}), 0) FROM clinic.{}").format(
            sql.Identifier(column), sql.Identifier(entity.name)
        )
        position = expected.columns.index(column)
        with localcontext(prec=_SUM_DIGITS):
            wanted = sum(
                (Decimal(row[position] or "0") for row in expected.live.values()), Decimal(0)
            )
            off = Decimal(scalar(target, query)) - wanted
        if off:
            detail = f"the target's total is off by {off}"
            problems.append(Problem(kind="money", entity=entity.name, column=column, detail=detail))
    return problems


def unchecked_columns(
    target: psycopg.Connection, entity: Entity, expected: Expected
) -> list[Problem]:
    """Columns of the target that no expected value speaks of."""
    query = """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'clinic' AND table_name = %s
    """
    found = {row[0] or "" for row in read(target, query, (entity.name,)).rows}
    unknown = found - {"id", *expected.columns}
    return [
        Problem(kind="unchecked", entity=entity.name, column=column) for column in sorted(unknown)
    ]
