"""Puts together what source, Kafka and target say of a pipeline; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ops import sequence
from ops.proof.verified import Stored
from ops.watch import lag
from ops.watch.broker import Group, Progress
from ops.watch.lag import Moment, Place
from ops.watch.source import SourceStatus
from ops.watch.status import EntityStatus, Status
from ops.watch.target import Entity, unseen
from schemas.errors import BrokerError, SourceError, TargetError, UnderstudyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

_SIDES = {"source": SourceError, "kafka": BrokerError, "target": TargetError}
_UNREADY = ("new", "backfill")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What each says; None or empty where it does not answer.

    Attributes:
        now_ms: The source's clock when the target was asked, milliseconds since 1970.
        entities: Those that the control schema knows.
        ends: The offset after the last record, by topic and partition of all topics that exist.
        estimates: Rows of the legacy tables, about, by entity.
        rows: Live rows of the mapping, by entity; None where they were not counted.
    """

    now_ms: int
    source: SourceStatus | None
    entities: Sequence[Entity]
    progress: Progress
    group: Group | None
    ends: Mapping[Place, int] | None
    estimates: Mapping[str, int]
    verified: Mapping[str, Stored]
    rows: Mapping[str, int] | None


def status(migration: Migration, said: Answers, problems: Sequence[UnderstudyError]) -> Status:
    """The state of the pipeline.

    Args:
        migration: What runs.
        said: What each server says.
        problems: Of those that did not answer.
    """
    moment = Moment(now_ms=said.now_ms, marker_ms=_newest_marker_ms(said), ends=said.ends)
    marker_ms = moment.marker_ms
    known = {entity.entity: entity for entity in said.entities}
    new = {name: unseen(name, str(e.target)) for name, e in migration.entities.items()}
    entities = [entity for _, entity in sorted((new | known).items())]
    waits, places = _waits(migration, entities), _by_topic(said.ends or ())
    return Status(
        pipeline=migration.pipeline.pipeline,
        folder=migration.folder,
        source=said.source,
        captured_lsn=said.progress.lsn,
        workers=said.group.members if said.group else None,
        entities=tuple(
            replace(one, waits_for=waits[one.name]) if waits.get(one.name) else one
            for one in (_entity(migration, found, said, moment, places) for found in entities)
        ),
        problems=tuple(dict.fromkeys(str(problem) for problem in problems)),
        unanswered=frozenset(
            side for side, kind in _SIDES.items() if any(isinstance(p, kind) for p in problems)
        ),
        exit_code=problems[0].exit_code if problems else 0,
        heartbeat_ms=migration.pipeline.heartbeat_ms,
        marker_ms=marker_ms,
        capture_lag_ms=None if marker_ms is None else max(0, said.now_ms - marker_ms),
        stored=None if said.ends is None else sum(said.ends.values()),
    )


def _newest_marker_ms(said: Answers) -> int | None:
    """Kafka is asked before the target, which may have applied a newer one by then."""
    heartbeat = said.progress.heartbeat
    applied = (one.watermark_ms for found in said.entities for one in found.checkpoints)
    return max((heartbeat.source_ms if heartbeat else 0, *applied)) or None


def _by_topic(places: Iterable[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place[0], []).append(place)
    return found


def _entity(
    migration: Migration,
    found: Entity,
    said: Answers,
    moment: Moment,
    places: Mapping[str, Sequence[Place]],
) -> EntityStatus:
    spec = migration.entities.get(found.entity)
    label, topic = (str(spec.source), migration.topic(spec)) if spec else ("", "")
    is_captured = label in said.progress.ended
    behind = lag.measure(
        found.checkpoints,
        places.get(topic, ()),
        None if is_captured else said.estimates.get(found.entity),
        moment,
    )
    return EntityStatus(
        name=found.entity,
        target=found.target,
        state=_state(found),
        stopped_reason=found.stopped_reason,
        rows=said.rows.get(found.entity, 0) if said.rows is not None else None,
        parked=found.waiting,
        dead_letters=found.dead_letters,
        captured=said.progress.rows_of(label),
        is_captured=is_captured,
        applied=behind.applied,
        lag_records=behind.records,
        remaining_records=behind.remaining,
        watermark=lsn_text(found.watermark) if found.watermark else None,
        lag_ms=behind.ms if found.phase == "tail" else None,
        apply_lag_ms=None if found.phase == "switched" else behind.apply_ms,
        still_ms=behind.still_ms,
        lag_by_partition=behind.by_partition,
        unowned=_unowned(found, said.group),
        verified=said.verified.get(found.entity),
    )


def _unowned(found: Entity, group: Group | None) -> tuple[str, ...]:
    places = [one.place for one in found.checkpoints]
    return tuple(f"{t}/{p}" for t, p in places if group and (t, p) not in group.owned)


def _state(found: Entity) -> str:
    if found.stopped_reason is not None:
        return "stopped"
    if found.is_paused:
        return "paused"
    return "snapshot" if found.phase == "backfill" else found.phase


def _waits(migration: Migration, entities: Sequence[Entity]) -> dict[str, tuple[str, ...]]:
    """Whom each entity still waits for in the snapshot; those of one ring or one topic go together."""
    unready = {found.entity for found in entities if found.phase in _UNREADY}
    if not unready:
        return {}
    steps = {step.entity: step for step in sequence.steps(migration)}
    waits: dict[str, tuple[str, ...]] = {}
    for together in migration.topics.values():
        names = {other for name in together for other in (name, *steps[name].ring)}
        parents = {parent for name in names for parent in steps[name].waits_for} - names
        waits |= dict.fromkeys(together, tuple(sorted(parents & unready)))
    return {name: parents for name, parents in waits.items() if name in unready}
