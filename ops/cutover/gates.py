"""The gates of a cutover, each looked at on the real servers; nothing is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from psycopg.rows import class_row

from ops.amounts import how_many
from ops.cutover import drain, integrity, reverse_check
from ops.cutover.fence import Fence
from ops.cutover.gate import Gate
from ops.databases import Connection
from ops.preflight import catalogs
from ops.preflight.findings import Severity
from ops.proof import verified
from ops.stack.state import Endpoints
from ops.watch.observer import Observer
from ops.watch.status import Status
from producers.source import source_errors
from schemas import names
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

# Signed off, it means that there is no way back.
INVERSE = "way-back-rules"
# Older than a day it says little of the target; what changed since is looked at again in the drain.
VERIFIED_HOURS_MAX = 24.0
# A row that waits no longer than this may be on its way; the drain asks again, of every row.
WAITS_S = 5.0
SENDERS_NEEDED = 1  # For the capture of the way back, which takes no snapshot.
_WAY_BACK = files("ops.cutover").joinpath("way_back.sql").read_bytes()
_FENCE_RIGHTS = files("ops.cutover").joinpath("fence_rights.sql").read_bytes()
_PHASES = """
    SELECT entity, phase, held_at IS NOT NULL OR stopped_at IS NOT NULL FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) ORDER BY entity"""

_RESYNCS = """
    SELECT entity FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND resync_asked_lsn > resynced_lsn
    ORDER BY entity"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the gates look at.

    Attributes:
        max_lag_s: How old the newest moment of the source may be that is wholly applied, in seconds.
    """

    migration: Migration
    at: Endpoints
    source: Connection
    target: Connection
    fence: Fence
    max_lag_s: float


def look(sight: Sight) -> list[Gate]:
    """All gates, in the order in which an operator mends them."""
    target = sight.target
    target.execute("SET statement_timeout = 0")  # Orphans are counted over whole tables.
    try:
        return [
            *_fence_rights(sight),
            *_way_back(sight),
            _inverse(sight),
            *_pipeline(sight),
            *_phases(sight),
            _resync(sight),
            _verified(sight),
            *integrity.look(sight.target, sight.migration),
            *_waiting(sight),
            _prepared(sight),
        ]
    finally:
        target.execute("RESET statement_timeout")


def _fence_rights(sight: Sight) -> Iterator[Gate]:
    settings = sight.migration.pipeline.cutover
    with source_errors():
        tables = [(table.schema, table.name) for table in sight.fence.tables()]
        parameters = {"writers": list(settings.writers), **catalogs.places(tables)}
        rows = sight.source.execute(_FENCE_RIGHTS, parameters).fetchall()
    ((is_writer, unknown, may_alter, not_ours, may_create),) = rows
    wrong = {
        "our own role is one of the writers": is_writer,
        f"roles do not exist: {unknown}": unknown,
        "the role may not alter roles": settings.writers and not may_alter,
        f"tables belong to other roles: {not_ours}": settings.tables_refuse and not_ours,
        "the role may not create the schema understudy": settings.tables_refuse and not may_create,
        "it would shut nobody out": not (settings.writers or settings.tables_refuse),
    }
    problems = [text for text, is_so in wrong.items() if is_so]
    yield Gate(
        name="fence",
        met=not problems,
        says="; ".join(problems) or "our role may close it",
        remedy="Correct writers and tables_refuse in [cutover] of understudy.toml, or the rights of the source's role.",
        evidence={"writers": list(settings.writers), "tables_refuse": settings.tables_refuse},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _WayBack:
    """The columns of way_back.sql."""

    wal_level: str
    has_slot: bool
    free_slots: int
    free_senders: int
    may_replicate: bool
    may_publish: bool
    without_key: list[str]


def _way_back(sight: Sight) -> Iterator[Gate]:
    tables = [entity.target.place for entity in sight.migration.entities.values()]
    slot = names.slot(names.back(sight.migration.pipeline.pipeline))
    with sight.target.cursor(row_factory=class_row(_WayBack)) as cursor:
        found = cursor.execute(_WAY_BACK, {"slot": slot, **catalogs.places(tables)}).fetchone()
    if found is None:
        return
    wrong = {
        f"wal_level is {found.wal_level}": found.wal_level != "logical",
        "all replication slots are taken": not found.has_slot and found.free_slots < 1,
        "all WAL senders are taken": found.free_senders < SENDERS_NEEDED,
        "the role has no replication right": not found.may_replicate,
        "the role may not create a publication": not found.may_publish,
        f"tables without a primary key: {found.without_key}": found.without_key,
    }
    problems = [text for text, is_so in wrong.items() if is_so]
    yield Gate(
        name="way-back",
        met=not problems,
        says="; ".join(problems) or "the target can be captured",
        remedy="On the target: ALTER SYSTEM SET wal_level = logical and restart; max_replication_slots, "
        "max_wal_senders; ALTER ROLE ... REPLICATION; GRANT CREATE ON DATABASE.",
        evidence={"wal_level": found.wal_level, "free_slots": found.free_slots},
    )


def _inverse(sight: Sight) -> Gate:
    found = reverse_check.refusals(sight.migration, sight.source, sight.target)
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    return Gate(
        name=INVERSE,
        met=not errors,
        says="; ".join(f"{finding.place.file.stem}: {finding.what}" for finding in errors)
        or _led_back(len(found)),
        remedy=f"Mend what understudy cutover plan {sight.migration.folder} lists, each with its remedy; or do without "
        f"a way back: --accept {INVERSE}={len(errors)} --because TEXT.",
        count=len(errors),
        evidence={"findings": [finding.as_json() for finding in found]},
    )


def _led_back(warnings: int) -> str:
    led = "every rule has an inverse, or says that it needs none"
    return f"{led}; {warnings} warnings below" if warnings else led


def _pipeline(sight: Sight) -> Iterator[Gate]:
    with Observer(migration=sight.migration, at=sight.at) as observer:
        status = observer.look(count_ms=None)
    is_captured = status.source is not None and status.source.is_captured
    says = f"capture {'runs' if is_captured else 'does not run'}, workers: {status.workers or 0}"
    yield Gate(
        name="pipeline",
        met=bool(is_captured and status.workers and not status.problems),
        says="; ".join((says, *status.problems)),
        remedy=f"understudy run {sight.migration.folder}",
        evidence={"workers": status.workers, "problems": list(status.problems)},
    )
    yield _lag(sight, status)


def _lag(sight: Sight, status: Status) -> Gate:
    lag_ms = status.lag_ms
    return Gate(
        name="lag",
        met=lag_ms is not None and lag_ms <= sight.max_lag_s * 1000,
        says="not known yet" if lag_ms is None else f"{lag_ms / 1000:.1f} s",
        remedy=f"Wait until it is below {sight.max_lag_s:g} s: understudy status --watch; or allow more by --max-lag.",
        evidence={"lag_ms": lag_ms, "max_lag_s": sight.max_lag_s},
    )


def _phases(sight: Sight) -> Iterator[Gate]:
    entities = list(sight.migration.entities)
    rows = sight.target.execute(_PHASES, [entities]).fetchall()
    phases = {str(name): str(phase) for name, phase, _ in rows}
    unready = sorted(
        {name for name in entities if phases.get(name) != "tail"}
        | {str(name) for name, _, stands in rows if stands}
    )
    yield Gate(
        name="tail",
        met=not unready,
        says=f"not in the tail, paused or stopped: {', '.join(unready)}"
        if unready
        else f"all {len(entities)} entities are in the tail",
        remedy=f"understudy status {sight.migration.folder}; understudy resume {sight.migration.folder}",
        evidence={"phases": phases},
    )


def _resync(sight: Sight) -> Gate:
    rows = sight.target.execute(_RESYNCS, [list(sight.migration.entities)]).fetchall()
    names = [str(name) for (name,) in rows]
    return Gate(
        name="resync",
        met=not names,
        says=f"read again: {', '.join(names)}" if names else "no table is being read again",
        remedy="Wait for its end: understudy resync waits, and asks for nothing where one is under way.",
        evidence={"entities": names},
    )


def _verified(sight: Sight) -> Gate:
    """Whether the newest verification of every entity is one that the drain can go on from."""
    entities = list(sight.migration.entities)
    remedy = f"understudy verify {sight.migration.folder}"
    try:
        stored = verified.baseline(sight.target, sight.migration, entities).values()
    except NotReadyError as error:
        return Gate(name="verified", met=False, says=error.particulars, remedy=remedy)
    oldest = min(one.at for one in stored)
    hours = (datetime.now(UTC) - oldest).total_seconds() / 3600
    unclean = [one.entity for one in stored if not one.is_clean]
    wrong = {
        f"rows differed: {', '.join(unclean)}": unclean,
        f"{hours:.0f} hours old": hours > VERIFIED_HOURS_MAX,
    }
    problems = [text for text, is_so in wrong.items() if is_so]
    return Gate(
        name="verified",
        met=not problems,
        says="; ".join(problems) or f"clean, the oldest at {oldest.isoformat(timespec='seconds')}",
        remedy=remedy,
        evidence={one.entity: lsn_text(one.lsn) for one in stored},
    )


def _waiting(sight: Sight) -> Iterator[Gate]:
    found = drain.waiting(sight.target, sight.migration, WAITS_S)
    if not found:
        yield Gate(name="waiting", met=True, says="no dead letters, nothing parked")
    for name, count in found.items():
        kind, _, entity = name.partition(":")
        yield Gate(
            name=name,
            met=False,
            says=how_many(count, "row"),
            remedy=f"understudy {kind} list {sight.migration.folder} --entity {entity}; "
            f"or sign them off: --accept {name}={count} --because TEXT; under load --accept '{name}<=N'.",
            count=count,
            evidence={"count": count},
        )


def _prepared(sight: Sight) -> Gate:
    with source_errors():
        prepared = sight.fence.prepared()
    return Gate(
        name="prepared-transactions",
        met=not prepared,
        says=f"{len(prepared)} on the source" if prepared else "none on the source",
        remedy="COMMIT PREPARED or ROLLBACK PREPARED each of pg_prepared_xacts of the source.",
        evidence={"count": len(prepared)},
    )
