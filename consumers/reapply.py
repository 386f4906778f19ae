"""Writing rows again from the images in the mapping, at the event ids that they have.

After somebody else has written them, or to have them by newer rules. An empty list of debts marks a row as one that is
to be written again at an equal event id, as those are that owe a reference; both go when it is written.
"""

from collections.abc import Iterator, Sequence

import psycopg

from consumers import checkpoint
from consumers.apply import Applier, Events
from consumers.compare_sql import given_up
from consumers.conversion import literal
from consumers.numbered import execute
from consumers.plan import EntityPlan
from schemas.errors import NotReadyError

Connection = psycopg.Connection[tuple[object, ...]]
# Rows of one transaction: it holds the locks of all partitions of the entity.
ROWS_MAX = 20_000


def reapply(connection: Connection, applier: Applier, keys: Sequence[str]) -> list[str]:
    """Write some rows again; what cannot go in any more waits, as it would at first.

    Args:
        connection: Outside of a transaction, with the stage prepared.
        applier: Of the entity, by its present rules.
        keys: Legacy keys, ROWS_MAX at most.

    Returns:
        Those that have an image to be written from.

    Raises:
        NotReadyError: The entity is paused, stopped, or switched to the target; or images are older than a column that
            the rules read.
    """
    plan = applier.plan
    with connection.transaction(), connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, [plan.name], None)[plan.name]
        _require_columns(cursor, plan, list(keys))
        rows = execute(cursor, _mark(plan), list(keys)).fetchall()
        marked = [str(key) for (key,) in rows]
        if marked:
            applier.settle(cursor, Events(rows=applier.nothing()), marked, ground)
    return marked


def of_older_rules(connection: Connection, plan: EntityPlan) -> Iterator[list[str]]:
    """The legacy keys of rows that older rules made, ROWS_MAX at a time; without those that an operator gave up."""
    last = ""
    while keys := [str(key) for (key,) in connection.execute(_older(plan, last)).fetchall()]:
        yield keys
        last = keys[-1]


def _require_columns(
    cursor: psycopg.Cursor[tuple[object, ...]], plan: EntityPlan, keys: list[str]
) -> None:
    """An image that was kept before its table had a column does not tell its value: a default fills old rows unsaid."""
    ((count, column),) = execute(cursor, _lacking(plan), keys, sorted(plan.read)).fetchall()
    if count:
        table = plan.legacy.label
        raise NotReadyError(
            f"{count} images of {plan.name} are older than the column {column} of {table}",
            remedy=f"Have those rows sent again: UPDATE {table} SET {column} = {column} on the source; then once more.",
        )


def _lacking(plan: EntityPlan) -> str:
    """How many of the images with the keys $1 lack a column of $2, and one such column."""
    return f"""
    SELECT count(*), min((SELECT min(name) FROM unnest($2::text[]) name WHERE NOT jsonb_exists(i.image, name)))
    FROM (
        SELECT CAST(original AS jsonb) AS image FROM {plan.mapping}
        WHERE generation = 1 AND source = {plan.source} AND state IN ('l', 'x') AND original IS NOT NULL
            AND legacy_key = ANY($1)) i
    WHERE NOT jsonb_exists_all(i.image, $2::text[])"""


def _mark(plan: EntityPlan) -> str:
    return f"""
    UPDATE {plan.mapping} SET owed = coalesce(owed, '{{}}')
    WHERE generation = 1 AND source = {plan.source} AND state IN ('l', 'x') AND original IS NOT NULL
        AND legacy_key = ANY($1)
    RETURNING legacy_key"""


def _older(plan: EntityPlan, last: str) -> bytes:
    return f"""
    SELECT m.legacy_key FROM {plan.mapping} m
    WHERE m.generation = 1 AND m.source = {plan.source} AND m.legacy_key > {literal(last)}
        AND m.state IN ('l', 'x') AND m.spec_version < {plan.spec_version}
        AND NOT (m.state = 'x' AND {given_up(plan, "m.legacy_key")})
    ORDER BY m.legacy_key LIMIT {ROWS_MAX}""".encode()
