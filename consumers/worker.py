"""A worker: one member of the pipeline's group that applies some entities, or all, to the target."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import structlog

from consumers import broker, checkpoint, control, founding
from consumers.assembly import Assembly, Schemas
from consumers.beginnings import Beginnings
from consumers.blockers import Blockers
from consumers.chores import Chores
from consumers.durations import Durations
from consumers.gatekeeper import Gatekeeper
from consumers.keeper import Duty, Keeper
from consumers.lane import Lane
from consumers.points import Points, PointsReader
from consumers.refusal import is_retried
from consumers.schedule import Schedule
from consumers.settings import WorkerSettings
from consumers.target import Connection, Session, our_error, sentence
from consumers.topic_reader import TopicReader
from consumers.watermarks import Watermarks

log = structlog.get_logger(__name__)

# A target that is starting, or changing places, is back within this.
CONNECT_PATIENCE_S = 30.0
# What is being applied may take this long when the worker is asked to end; then it is abandoned.
FINISH_S = 3.0
JOIN_S = 2.0
RETRY_S = 1.0
# Why a server refuses everybody for a moment.
_STARTING = re.compile("starting up|shutting down|recovery|too many|connection slots")
STATES_EVERY_S = 0.5
WATERMARKS_EVERY_S = 0.2
CHORES_EVERY_S = 0.2
BLOCKERS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityProgress:
    """How far one entity is, in this worker since it started.

    Attributes:
        applied_rows: Records applied, tombstones included.
        buffered_rows: Records read and not applied.
        open: Whether batches may be applied now.
        partitions: How many are ours.
    """

    entity: str
    applied_rows: int
    buffered_rows: int
    open: bool
    partitions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a worker is; `rows_per_s` since the last time that somebody asked."""

    entities: tuple[EntityProgress, ...]
    rows_per_s: float


class Worker:
    """Applies topics to the target until it is told to stop."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Prepare; nothing is connected yet."""
        self._settings = settings
        migration = settings.migration
        entities = settings.entities or tuple(migration.entities)
        self._topics = {
            t: n for t, n in migration.topics.items() if not set(n).isdisjoint(entities)
        }
        self._schedule = Schedule(self._topics, settings.batch_rows, self._shares())
        self._schemas = Schemas(settings.registry)
        self._assembly = Assembly(migration, self._schemas)
        self._points = Points()
        self._watermarks = Watermarks(self._points)
        self._asked = (time.monotonic(), 0)
        self._since = datetime.max.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set.

        Raises:
            TargetError: The target refuses us.
            BrokerError: Kafka refuses us, or a topic does not hold what a checkpoint points to.
            ConfigError: Something is configured that cannot be.
        """
        session = Session(self._settings.target_dsn, "worker")
        try:
            self._assembly.spec_versions = self._introduce(session, stop)
            beginnings = Beginnings(self._topics, session, broker.admin(self._settings), stop)
            if beginnings.await_topics([self._settings.positions_topic]):
                self._work(beginnings, stop)
        except psycopg.Error as error:
            raise our_error(error) from error
        finally:
            session.close()

    def progress(self) -> Progress:
        """How far the worker is."""
        rows, now = sum(unit.applied_rows for unit in self._schedule.units), time.monotonic()
        (before, rows_before), self._asked = self._asked, (now, rows)
        entities = tuple(
            self._progress_of(name) for names in self._topics.values() for name in names
        )
        return Progress(
            entities=entities, rows_per_s=(rows - rows_before) / max(now - before, 1e-3)
        )

    def durations(self) -> Durations:
        """How long the batches took that were applied since it started."""
        return self._schedule.durations

    def _progress_of(self, entity: str) -> EntityProgress:
        units = [unit for unit in self._schedule.units if entity in unit.entities]
        return EntityProgress(
            entity=entity,
            applied_rows=sum(unit.applied_rows for unit in units),
            buffered_rows=sum(unit.buffered_rows for unit in units),
            open=all(unit.open for unit in units),
            partitions=sum(len(unit.committed) for unit in units),
        )

    def _introduce(self, session: Session, stop: threading.Event) -> dict[str, int]:
        """Bring the control schema up to date and tell it our entities; waits while the target is away."""
        migration = self._settings.migration
        ours = [migration.entities[name] for names in self._topics.values() for name in names]
        deadline = time.monotonic() + CONNECT_PATIENCE_S
        while True:
            try:
                self._since = control.now(session.connection())
                control.migrate(session.connection())
                founding.check(session.connection(), migration.pipeline.namespace, ours)
                founding.require_files(session.connection(), migration.entities)
                return control.register(session.connection(), ours, migration.folder)
            except psycopg.Error as error:
                if not _passes(error) or time.monotonic() >= deadline or stop.wait(RETRY_S):
                    raise
                log.warning("waiting for the target", reason=sentence(error))

    def _work(self, beginnings: Beginnings, stop: threading.Event) -> None:
        lanes = self._lanes()
        keeper = self._keeper(lanes)
        reader = TopicReader(broker.group_consumer(self._settings), self._schedule, beginnings)
        for thread in (keeper, *lanes):
            thread.start()
        try:
            while not stop.is_set() and self._schedule.failure is None:
                reader.read()
        finally:
            self._end(reader, keeper, lanes)
        if self._schedule.failure is not None:
            raise self._schedule.failure

    def _shares(self) -> dict[str, int]:
        """One unit a connection; an entity that refers to itself has one, for its rows wait for each other."""
        entities, count = self._settings.migration.entities.values(), self._settings.connections
        alone = {e.name for e in entities if any(r.ref == e.name for r in e.refs.values())}
        return {t: count for t, names in self._topics.items() if alone.isdisjoint(names)}

    def _lanes(self) -> list[Lane]:
        settings, since = self._settings, {checkpoint.SINCE: self._since.isoformat()}
        return [
            Lane(
                f"lane-{number}",
                self._schedule,
                self._assembly,
                self._watermarks,
                Session(settings.target_dsn, "worker lane", **since),
            )
            for number in range(settings.connections)
        ]

    def _keeper(self, lanes: Sequence[Lane]) -> Keeper:
        settings, schedule = self._settings, self._schedule
        gates = Gatekeeper(
            settings.migration, schedule, self._points, self._watermarks, self._since
        )
        chores = Chores(settings.migration, schedule, self._assembly, self._points)
        blockers = Blockers(lanes)
        duties = [
            Duty(every_s=STATES_EVERY_S, do=gates.look),
            Duty(every_s=WATERMARKS_EVERY_S, do=self._raise_watermarks),
            Duty(every_s=CHORES_EVERY_S, do=lambda c: chores.look(c, gates.states)),
            Duty(every_s=BLOCKERS_EVERY_S, do=blockers.end),
        ]
        topic = settings.positions_topic
        reader = PointsReader(broker.follower(settings), topic, self._points, self._schemas)
        return Keeper(reader, Session(settings.target_dsn, "worker keeper"), duties, schedule)

    def _raise_watermarks(self, connection: Connection) -> None:
        offsets: dict[str, dict[int, int]] = {topic: {} for topic in self._topics}
        for unit in self._schedule.units:
            offsets[unit.topic] |= dict(unit.committed)
        entities = [name for names in self._topics.values() for name in names]
        self._watermarks.of_idle(connection, offsets, entities)

    def _end(self, reader: TopicReader, keeper: Keeper, lanes: Sequence[Lane]) -> None:
        """Finish the batches that are being applied, or abandon them; leave the group."""
        self._schedule.close()
        keeper.end()
        if not self._schedule.wait_until_still(self._schedule.units, FINISH_S):
            for lane in lanes:
                lane.session.abandon()
        deadline = time.monotonic() + JOIN_S
        for thread in (*lanes, keeper):
            thread.join(max(0.0, deadline - time.monotonic()))
        reader.close()


def _passes(error: psycopg.Error) -> bool:
    """Whether it may be otherwise in a moment; a server that refuses a password or a database goes on refusing."""
    text = str(error)
    refuses = error.sqlstate is None and "FATAL" in text and not _STARTING.search(text)
    return is_retried(error) and not refuses
