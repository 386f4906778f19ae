"""`resync`: has the capture read tables again, and tells what came of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ops import databases
from ops.controls import audit, require_control
from ops.databases import Connection
from ops.proof import reconciling
from ops.stack.state import Endpoints
from ops.waiting import wait_until
from producers import marker, slot
from schemas.errors import NotReadyError
from schemas.migration import Migration

APPLICATION = "resync"
_PHASES = """
    SELECT entity, phase, resync_asked_lsn > resynced_lsn FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) ORDER BY entity"""
_ASK = """
    UPDATE understudy.entities SET resync_asked_lsn = %s
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s)"""
_OPEN = """
    SELECT count(*) FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND resync_asked_lsn > resynced_lsn"""
_GONE = """
    SELECT DISTINCT ON (subject) subject, CAST(detail ->> 'gone' AS bigint) FROM understudy.audit_log
    WHERE action = 'resync ended' AND subject = ANY (%s) ORDER BY subject, id DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a resync did to one entity.

    Attributes:
        gone: Keys that the legacy table no longer had, and that were deleted.
        strangers: UUIDs of rows of its target table that no legacy row was ever made into.
    """

    entity: str
    gone: int
    strangers: tuple[str, ...]


def ask(migration: Migration, at: Endpoints, entities: Sequence[str]) -> bool:
    """Ask for the tables of some entities, where they are not being read again already.

    Args:
        migration: A pipeline that has been run.
        at: Where its servers are.
        entities: Names, with those that share their tables.

    Returns:
        Whether a capture runs that can do it now; otherwise the next one does.

    Raises:
        NotReadyError: Nothing was captured yet; or an entity is not in its tail.
    """
    pipeline = migration.pipeline.pipeline
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        slots = slot.slots_of(source, pipeline).values()
        if not slots:
            raise NotReadyError("nothing was captured yet", remedy="understudy run")
        asked = _being_read(target, entities)
        for names in migration.topics.values():
            wanted = [name for name in names if name in entities and name not in asked]
            if wanted:
                _ask(source, target, migration, wanted)
        return any(one.active_pid is not None for one in slots)


def _being_read(target: Connection, entities: Sequence[str]) -> set[str]:
    """Those of some entities whose table is being read again."""
    require_control(target)
    rows = target.execute(_PHASES, [list(entities)]).fetchall()
    phases = {str(name): str(phase) for name, phase, _ in rows}
    for name in entities:
        if phases.get(name) != "tail":
            raise NotReadyError(
                f"{name} is not in its tail: {phases.get(name, 'new')}",
                remedy="In the snapshot its table is read anyway; after the switch the target is ahead of it.",
            )
    return {str(name) for name, _, is_open in rows if is_open}


def _ask(
    source: Connection, target: Connection, migration: Migration, entities: Sequence[str]
) -> None:
    table = str(migration.entities[entities[0]].source)
    with target.transaction():
        for name in entities:
            audit(target, "resync", name, {"table": table})
        lsn = marker.ask_resync(source, migration.pipeline.pipeline, table)
        target.execute(_ASK, [lsn, list(entities)])


def await_end(
    migration: Migration, at: Endpoints, entities: Sequence[str], timeout_s: float
) -> list[Outcome]:
    """Wait until the tables are read, applied, and cleared of what is gone.

    Raises:
        NotReadyError: Not in time; it goes on by itself.
    """

    def late() -> NotReadyError:
        return NotReadyError(
            "the resync has not ended yet",
            remedy="It goes on by itself. Repeat the command to wait for its end, or give more --timeout.",
        )

    with databases.target(at.target_dsn, APPLICATION) as target:

        def has_ended() -> bool:
            return target.execute(_OPEN, [list(entities)]).fetchall() == [(0,)]

        wait_until(has_ended, time.monotonic() + timeout_s, late)
        gone = {
            str(name): int(str(count))
            for name, count in target.execute(_GONE, [list(entities)]).fetchall()
        }
        return [_outcome(target, migration, name, gone.get(name, 0)) for name in sorted(entities)]


def _outcome(target: Connection, migration: Migration, name: str, gone: int) -> Outcome:
    entity = migration.entities[name]
    target.execute("SET statement_timeout = 0")  # Whole tables are looked through.
    strangers = () if entity.joined else reconciling.unowned(target, migration, entity)
    return Outcome(entity=name, gone=gone, strangers=tuple(strangers))
