"""Looking at a pipeline: what the source, Kafka and the target each say, put together."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar

from confluent_kafka.admin import AdminClient

from ops import databases, wiring
from ops.proof import verified
from ops.proof.verified import Stored
from ops.stack.state import Endpoints
from ops.watch import broker, source, target
from ops.watch.broker import Group, PositionsReader, Progress
from ops.watch.source import SourceStatus
from ops.watch.status import EntityStatus, Status
from schemas.errors import UnderstudyError
from schemas.event_id import lsn_text
from schemas.migration import Migration

APPLICATION = "status"
Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True)
class Observer:
    """Looks at one pipeline again and again; keeps its Kafka clients between two looks."""

    migration: Migration
    at: Endpoints
    admin: AdminClient = field(init=False)
    positions: PositionsReader | None = None
    counts_in_time: bool = True

    def __post_init__(self) -> None:
        """Make the client; it connects with the first question."""
        self.admin = wiring.admin(self.migration, self.at)

    def __enter__(self) -> Self:
        """Nothing is opened before the first look."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of Kafka."""
        if self.positions is not None:
            self.positions.close()

    def look(self, *, count_ms: int | None) -> Status:
        """The state at this moment; a server that does not answer is a problem, not an error.

        Args:
            count_ms: How long the rows of the entities may be counted, which reads the whole mapping: 0 as long as
                it takes, None not at all. Where it took longer, it is not tried again.
        """
        problems: list[UnderstudyError] = []
        name = self.migration.pipeline.pipeline
        at_source = _asked(problems, self._source)
        entities = _asked(problems, self._entities) or []
        rows = _asked(problems, lambda: self._rows(count_ms)) if entities else None
        verifications = _asked(problems, self._verified) if entities else None
        progress = _asked(problems, self._progress) or Progress()
        group = _asked(problems, lambda: broker.group(self.admin, name))
        places = [(topic, partition) for e in entities for topic, partition, _ in e.offsets]
        ends = _asked(problems, lambda: broker.ends(self.admin, places))
        seen = _Seen(
            progress=progress,
            group=group,
            ends=ends,
            rows=rows,
            verified=verifications or {},
            now_ms=at_source.now_ms if at_source else time.time_ns() // 1_000_000,
        )
        return Status(
            pipeline=name,
            folder=self.migration.folder,
            source=at_source,
            captured_lsn=progress.lsn,
            workers=group.members if group else None,
            entities=tuple(_entity(self.migration, found, seen) for found in self._all(entities)),
            problems=tuple(dict.fromkeys(str(problem) for problem in problems)),
            exit_code=problems[0].exit_code if problems else 0,
        )

    def estimates(self) -> dict[str, int]:
        """About how many rows the legacy table of each entity has; empty where the source cannot be asked."""
        places = {name: entity.source.place for name, entity in self.migration.entities.items()}
        try:
            with databases.source(self.at.source_dsn, APPLICATION) as connection:
                found = source.estimates(connection, list(places.values()))
        except UnderstudyError:
            return {}
        return {name: found[place] for name, place in places.items() if place in found}

    def _source(self) -> SourceStatus:
        with databases.source(self.at.source_dsn, APPLICATION) as connection:
            return source.read(connection, self.migration.pipeline.pipeline)

    def _entities(self) -> list[target.Entity]:
        with databases.target(self.at.target_dsn, APPLICATION) as connection:
            return target.read(connection)

    def _verified(self) -> dict[str, Stored]:
        with databases.target(self.at.target_dsn, APPLICATION) as connection:
            return verified.newest(connection, self.migration, list(self.migration.entities))

    def _rows(self, count_ms: int | None) -> dict[str, int] | None:
        if count_ms is None or not self.counts_in_time:
            return None
        with databases.target(self.at.target_dsn, APPLICATION) as connection:
            found = target.rows(connection, count_ms)
        self.counts_in_time = found is not None
        return found

    def _all(self, found: list[target.Entity]) -> list[target.Entity]:
        """Those that the control schema knows, and those that no worker has seen yet."""
        known = {entity.entity: entity for entity in found}
        unseen = {n: target.unseen(n, str(e.target)) for n, e in self.migration.entities.items()}
        return [entity for _, entity in sorted((unseen | known).items())]

    def _progress(self) -> Progress:
        if self.positions is None:
            if not broker.exists(self.admin, self.migration.pipeline.pipeline):
                return Progress()
            client = wiring.reader(self.migration, self.at)
            self.positions = PositionsReader(client, self.migration.pipeline.pipeline)
        return self.positions.refresh()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was seen of Kafka and the clock, for one look."""

    progress: Progress
    group: Group | None
    ends: dict[tuple[str, int], int] | None
    rows: dict[str, int] | None
    verified: dict[str, Stored]
    now_ms: int


def _asked(problems: list[UnderstudyError], ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except UnderstudyError as error:
        problems.append(error)
        return None


def _entity(migration: Migration, found: target.Entity, seen: _Seen) -> EntityStatus:
    ends = seen.ends
    places = [(topic, partition) for topic, partition, _ in found.offsets]
    applied = sum(offset for _, _, offset in found.offsets)
    spec = migration.entities.get(found.entity)
    label = str(spec.source) if spec else ""
    return EntityStatus(
        name=found.entity,
        target=found.target,
        state=_state(found),
        stopped_reason=found.stopped_reason,
        rows=seen.rows.get(found.entity, 0) if seen.rows is not None else None,
        parked=found.waiting,
        dead_letters=found.dead_letters,
        captured=seen.progress.rows_of(label),
        is_captured=label in seen.progress.ended,
        applied=applied,
        lag_records=sum(ends[place] for place in places) - applied if ends and places else None,
        watermark=lsn_text(found.watermark) if found.watermark else None,
        lag_ms=None if found.watermark_ms is None else max(0, seen.now_ms - found.watermark_ms),
        unowned=tuple(
            f"{t}/{p}" for t, p in places if seen.group and (t, p) not in seen.group.owned
        ),
        verified=seen.verified.get(found.entity),
    )


def _state(found: target.Entity) -> str:
    if found.stopped_reason is not None:
        return "stopped"
    if found.is_paused:
        return "paused"
    return "snapshot" if found.phase == "backfill" else found.phase
