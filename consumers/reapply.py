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
        NotReadyError: The entity is paused, stopped, or switched to the target.
    """
    plan = applier.plan
    with connection.transaction(), connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, [plan.name], None)[plan.name]
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
