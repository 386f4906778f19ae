"""What waits for a key, as an operator sees it: dead letters and parked rows, found, tried again, given up."""

import enum
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from consumers import checkpoint, control
from consumers.plan import leaf
from ops import controls
from ops.controls import audit, require_control
from ops.databases import Connection
from ops.waiting import wait_until
from schemas.errors import NotReadyError
from schemas.migration import Migration

# How many keys one entry of the audit log names.
AUDITED_KEYS_MAX = 10_000
_CHOSEN = """
    generation = understudy.generation(entity)
        AND entity = ANY (%(entities)s) AND (%(key)s::text IS NULL OR legacy_key = %(key)s)
    AND (%(since)s::timestamptz IS NULL OR first_at >= %(since)s::timestamptz)
    AND (%(reason)s::text IS NULL OR position(lower(%(reason)s) IN lower({reason})) > 0)"""
_OF_DEAD_LETTERS = sql.SQL(
    _CHOSEN.format(reason="concat_ws(' ', error, constraint_name, column_name)")
    + " AND (%(sqlstate)s::text IS NULL OR sqlstate = %(sqlstate)s)"
)
_OF_PARKED = sql.SQL(
    _CHOSEN.format(reason="concat_ws(' ', reason, waits_for)") + " AND %(sqlstate)s::text IS NULL"
)
# The present rules have tried it already; older ones have not, and every sweep looks for those.
_RETRY = sql.SQL("""
UPDATE understudy.waiting SET spec_version = 0
WHERE (generation, entity, source, legacy_key) IN (
    SELECT generation, entity, source, legacy_key FROM understudy.dead_letters WHERE {chosen})
RETURNING entity, legacy_key""")
# Excluded, it stays out against everything older. One whose older version stands in the target is not chosen.
_DISCARD = sql.SQL("""
WITH given_up AS (
    DELETE FROM understudy.waiting
    WHERE (generation, entity, source, legacy_key) IN (
        SELECT d.generation, d.entity, d.source, d.legacy_key FROM understudy.dead_letters d
        WHERE {chosen} AND d.entity = {entity} AND NOT d.deleted AND NOT EXISTS (
            SELECT FROM {mapping} m
            WHERE m.legacy_key = d.legacy_key AND m.source = d.source AND m.generation = d.generation
                AND m.state = 'l'))
    RETURNING *)
INSERT INTO {mapping} (generation, entity, source, legacy_key, id, state,
    epoch, commit_lsn, ordinal, spec_version, partition, "offset", original)
SELECT generation, entity, source, legacy_key, id, 'x',
    epoch, commit_lsn, ordinal, spec_version, partition, "offset", image
FROM given_up
ON CONFLICT (legacy_key, source, generation) DO UPDATE SET state = 'x', epoch = excluded.epoch,
    commit_lsn = excluded.commit_lsn, ordinal = excluded.ordinal, owed = NULL, original = excluded.original
RETURNING entity, legacy_key""")


class Kind(enum.Enum):
    """What is looked for; the value is the view of the control schema."""

    DEAD_LETTERS = "dead_letters"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which of them: all conditions hold.

    Attributes:
        entities: At least one.
        reason: A part of what is said of it, in upper or lower case.
        sqlstate: Of dead letters.
        since: When it first waited, as PostgreSQL reads a timestamptz.
    """

    entities: list[str]
    key: str | None = None
    reason: str | None = None
    sqlstate: str | None = None
    since: str | None = None


def find(
    connection: Connection, kind: Kind, chosen: Chosen, limit: int | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Rows of the view, the longest waiting first, and how many there are beyond a limit.

    Raises:
        NotReadyError: No worker has ever run.
    """
    require_control(connection)
    condition = _OF_PARKED if kind is Kind.PARKED else _OF_DEAD_LETTERS
    query = sql.SQL(
        "SELECT *, count(*) OVER () AS found FROM understudy.{view} WHERE {chosen}"
        " ORDER BY first_at, entity, legacy_key LIMIT {limit}"
    ).format(view=sql.Identifier(kind.value), chosen=condition, limit=sql.Literal(limit))
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, asdict(chosen)).fetchall()
    found = max((int(row.pop("found")) for row in rows), default=0)
    for row in rows:
        del row["generation"]
    return rows, found


def retry(connection: Connection, chosen: Chosen) -> list[str]:
    """Have the workers try dead letters again.

    Returns:
        `entity key` of each.

    Raises:
        NotReadyError: No worker has ever run.
    """
    require_control(connection)
    query = _RETRY.format(chosen=_OF_DEAD_LETTERS)
    with connection.transaction(), connection.cursor() as cursor:
        rows = cursor.execute(query, asdict(chosen)).fetchall()
        return _audited(connection, "retry", rows, {})


def discard(connection: Connection, chosen: Chosen, why: str) -> list[str]:
    """Give dead letters up: their rows count as excluded from now on, with the reason in the audit log.

    A newer version from the source is applied like any other. A letter whose key has an older version in the target, or
    that is a delete, is left alone: the two sides would differ for good.

    Returns:
        `entity key` of each.

    Raises:
        NotReadyError: No worker has ever run, or an entity is paused or stopped.
    """
    require_control(connection)
    names = sorted(chosen.entities)
    rows = []
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # There may be many.
        checkpoint.lock(cursor, names, None)
        for name in names:
            query = _DISCARD.format(
                chosen=_OF_DEAD_LETTERS,
                entity=sql.Literal(name),
                mapping=sql.Identifier("understudy", leaf(name)),
            )
            rows += cursor.execute(query, asdict(chosen)).fetchall()
        return _audited(connection, "discard", rows, {"why": why})


def reload(connection: Connection, migration: Migration, chosen: Chosen) -> list[str]:
    """Have workers start again where the rules of the chosen entities were changed.

    Returns:
        These entities.
    """
    names = _changed(connection, migration, chosen)
    return controls.reload(connection, names) if names else []


def await_tried(
    connection: Connection, migration: Migration, chosen: Chosen, wait_s: float
) -> None:
    """Wait until workers run with the present rules, and no dead letter is to be tried again.

    Raises:
        NotReadyError: It has not come to that.
    """

    def are_tried() -> bool:
        return not _untried(connection, chosen) and not _changed(connection, migration, chosen)

    def late() -> NotReadyError:
        return NotReadyError(
            f"{_untried(connection, chosen)} of them are not tried yet",
            remedy="See with understudy status whether a worker runs.",
        )

    wait_until(are_tried, time.monotonic() + wait_s, late)


def _changed(connection: Connection, migration: Migration, chosen: Chosen) -> list[str]:
    """Which of the chosen entities have rules that no worker has started with."""
    return sorted(set(control.changed_rules(connection, migration)) & set(chosen.entities))


def _untried(connection: Connection, chosen: Chosen) -> int:
    """How many dead letters are still to be tried again."""
    query = """
        SELECT count(*) FROM understudy.dead_letters d JOIN understudy.entities e USING (generation, entity)
        WHERE d.spec_version < e.spec_version AND entity = ANY (%s)"""
    return int(str(connection.execute(query, [chosen.entities]).fetchall()[0][0]))


def _audited(
    connection: Connection,
    action: str,
    rows: Sequence[tuple[object, ...]],
    detail: dict[str, Any],
) -> list[str]:
    """Record what was done to which keys: all are named, for what an operator gave up is known from there."""
    for entity in sorted({str(entity) for entity, _ in rows}):
        keys = [str(key) for name, key in rows if name == entity]
        for first in range(0, len(keys), AUDITED_KEYS_MAX):
            named = keys[first : first + AUDITED_KEYS_MAX]
            audit(connection, action, entity, detail | {"count": len(named), "keys": named})
    return [f"{entity} {key}" for entity, key in rows]
