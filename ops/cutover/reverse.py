"""The way back as the cutover sees it: made ready before the fence, begun at the switch, ended by a rollback.

Only one direction applies at any time. The forward side writes nothing from the switch on; the way back takes over what
the target has committed from the LSN of the switch on, and nothing once a rollback has ended it.
"""

import time
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg
from confluent_kafka.admin import AdminClient

from consumers.conversion import bounded, ident
from consumers.plan import leaf
from consumers.reverse import control
from consumers.reverse.control import State
from ops import controls, databases, wiring
from ops.cutover import reverse_wiring
from ops.databases import Connection
from ops.stack.state import Endpoints
from ops.waiting import wait_until
from ops.watch import broker
from producers import publication, slot, topics
from schemas import names
from schemas.errors import ConflictError, NotReadyError
from schemas.migration import Migration

APPLICATION = "way back"
# A worker sees within a second that it is to begin again, and a dead one leaves the group after ten.
WORKERS_WAIT_S = 30.0
_INDEX = "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = to_regclass(%s)"
_OVERRIDES = "SELECT entity, source, legacy_key, id, why FROM understudy.identity_overrides ORDER BY entity, legacy_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is ready.

    Attributes:
        from_lsn: Of the target; everything that is committed from here on is captured.
        tables: Of the target.
        indexes: On the UUIDs of the mapping, that were made now.
    """

    from_lsn: int
    tables: int
    indexes: int


def prepare(migration: Migration, at: Endpoints) -> Prepared:
    """Make ready what takes time, while the forward side still runs; called again, it does what is missing.

    Slot, publication and topics for the target's changes; the control tables in the legacy database; an index on the
    UUIDs of the mapping.

    Raises:
        SourceError: One of the two servers refuses.
        BrokerError: Kafka refuses.
    """
    with reverse_wiring.capture(migration, at) as captured:
        lsn = captured.prepare()
    tables = reverse_wiring.captured_tables(migration)
    admin = wiring.admin(migration, at)
    found = topics.describe(admin, [table.topic for table in tables])
    with databases.source(at.source_dsn, APPLICATION) as legacy:
        control.migrate(legacy)
        wanted = [(topic, state.id, state.partitions) for topic, state in found.items()]
        control.register(legacy, migration.pipeline.pipeline, wanted)
    with databases.target(at.target_dsn, APPLICATION) as target:
        target.execute("SET statement_timeout = 0")
        made = sum(_index(target, entity) for entity in _unindexed(migration))
    return Prepared(from_lsn=lsn, tables=len(tables), indexes=made)


def _unindexed(migration: Migration) -> list[str]:
    """Entities whose mapping has no index on all UUIDs from the beginning."""
    return [e.name for e in migration.entities.values() if not (e.merge or e.joined)]


def _index(target: Connection, entity: str) -> bool:
    """Index the UUIDs of an entity's mapping, beside the workers; whether it was missing."""
    table = leaf(entity)
    name = bounded(f"{table}_back")
    quoted = ident("understudy", name)
    row = target.execute(_INDEX, [quoted]).fetchone()
    if row == (True,):
        return False
    if row is not None:  # Whoever made it was killed.
        target.execute(f"DROP INDEX {quoted}".encode())
    on = ident("understudy", table)
    target.execute(f"CREATE INDEX CONCURRENTLY {ident(name)} ON {on} (id)".encode())
    return True


def begin_at_switch(migration: Migration, at: Endpoints, lsn: int) -> None:
    """Take over what the target commits from an LSN on; may be called again with the same.

    Args:
        migration: What is switched.
        at: Where the servers are.
        lsn: `pg_current_wal_insert_lsn()` of the target, read in the transaction that switches the phase, once it has
            the locks: every write of the forward side is committed before it, and no other was made yet.

    Raises:
        NotReadyError: The way back was not prepared.
    """
    pipeline = migration.pipeline.pipeline
    with databases.source(at.source_dsn, APPLICATION) as legacy:
        _require_prepared(legacy, pipeline)
        control.switch(legacy, pipeline, lsn)


def end_at_rollback(migration: Migration, at: Endpoints) -> int:
    """Tell the forward side who was born on the target, then take over nothing any more; may be called again.

    The target is fenced and everything of it applied. Workers read the recorded identities when they start, so those
    that run are told to begin again, and are gone when this returns: only then may the phase go back. Where it fails,
    the way back goes on.

    Returns:
        How many identities the forward side knows now that differ from the computed ones.

    Raises:
        NotReadyError: The way back was not prepared.
        ConflictError: A worker does not end, or rows are still being born on the target.
    """
    pipeline = migration.pipeline.pipeline
    with (
        databases.source(at.source_dsn, APPLICATION) as legacy,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        before = _require_prepared(legacy, pipeline)
        rows = legacy.execute(_OVERRIDES).fetchall()
        admin = wiring.admin(migration, at)
        with target.transaction(), target.cursor() as cursor:
            control.override(cursor, [tuple(map(str, row)) for row in rows])  # type: ignore[misc]
            workers = broker.group(admin, names.group(pipeline)).clients
            controls.reload(target, list(migration.entities))
        _await_end(admin, pipeline, workers)
        control.switch(legacy, pipeline, None)
        if legacy.execute(_OVERRIDES).fetchall() != rows:
            control.switch(legacy, pipeline, before.switched_lsn)
            raise ConflictError(
                "rows are still being born on the target", remedy="Fence it, and try again."
            )
    return len(rows)


def _await_end(admin: AdminClient, pipeline: str, workers: frozenset[str]) -> None:
    """Wait until these workers have left the group."""

    def remaining() -> frozenset[str]:
        return workers & broker.group(admin, names.group(pipeline)).clients

    def late() -> ConflictError:
        return ConflictError(
            "workers that began before do not end",
            clients=",".join(sorted(remaining())),
            remedy="End them (host and pid), and try again.",
        )

    wait_until(lambda: not remaining(), time.monotonic() + WORKERS_WAIT_S, late)


def state(migration: Migration, at: Endpoints) -> State | None:
    """How far the way back is; None if it was never prepared."""
    with databases.source(at.source_dsn, APPLICATION) as legacy:
        return control.state(legacy, migration.pipeline.pipeline)


def has_applied(migration: Migration, at: Endpoints, lsn: int) -> bool:
    """Whether everything that the target has committed up to an LSN of it is applied.

    Raises:
        NotReadyError: It never will be: the legacy side refuses a row; or the way back was not prepared.
    """
    found = state(migration, at)
    if found is None:
        raise _NOT_PREPARED
    if found.stopped_reason and found.applied_lsn < lsn:
        raise NotReadyError(
            f"the way back is stopped: {found.stopped_reason}",
            remedy="Mend it; understudy reverse goes on by itself.",
        )
    return found.applied_lsn >= lsn


_NOT_PREPARED = NotReadyError(
    "the way back was not prepared", remedy="understudy cutover begin prepares it"
)


def _require_prepared(legacy: Connection, pipeline: str) -> State:
    found = control.state(legacy, pipeline)
    if found is None:
        raise _NOT_PREPARED
    return found


def drop(migration: Migration, at: Endpoints) -> None:
    """Remove all of the way back: what holds back WAL first. Does nothing where nothing is left.

    Raises:
        ConflictError: It is running.
    """
    name = names.back(migration.pipeline.pipeline)
    with databases.target(at.target_dsn, APPLICATION) as target:
        for one in slot.slots_of(target, name).values():
            if one.active_pid is not None:
                raise ConflictError(
                    "the way back is running",
                    slot=one.name,
                    remedy="Stop understudy reverse first.",
                )
            slot.drop(target, one.name)
        publication.drop(target, names.publication(name))
    data = [table.topic for table in reverse_wiring.captured_tables(migration)]
    admin = wiring.admin(migration, at)
    topics.delete(admin, list(topics.describe(admin, [*data, names.positions_topic(name)])))
    subjects = {
        named(topic) for topic in data for named in (names.key_subject, names.value_subject)
    }
    with closing(wiring.registry(migration, at)) as registry:
        for subject in sorted(subjects & registry.subjects()):
            registry.delete(subject)
    with databases.source(at.source_dsn, APPLICATION) as legacy:
        control.drop(legacy, migration.pipeline.pipeline)
        with suppress(psycopg.errors.DependentObjectsStillExist):  # The fence may be there too.
            legacy.execute("DROP SCHEMA IF EXISTS understudy")
