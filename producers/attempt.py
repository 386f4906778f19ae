"""One attempt at capturing: everything is built, runs until it stops or fails, and is taken down."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from producers import broker, ground
from producers.acknowledge import Acknowledger
from producers.backfill import Backfill
from producers.ground import Ground
from producers.opening import Opener
from producers.positions import PositionWriter
from producers.progress import CaptureProgress, TableProgress
from producers.pulse import Pulse
from producers.relations import Relations, Shapes
from producers.reread import Rereader
from producers.resync import Resyncer, open_snapshots
from producers.settings import CaptureSettings
from producers.snapshot import SnapshotParts
from producers.source import Connection, connect, current_lsn
from producers.stream import Stream
from producers.table_snapshot import TableSnapshot
from producers.tail import Tail, TailParts
from producers.topic_writer import TopicWriter

# A clean stop waits that long for what is in flight; what is left comes again.
STOP_WAIT_S = 3.0
# The schemas of so many tables are registered side by side: four requests to the registry a table.
REGISTRATIONS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """The parts of an attempt that has begun."""

    stream: Stream
    tail: Tail
    acknowledger: Acknowledger
    rereader: Rereader
    pulse: Pulse
    backfill: Backfill
    complete: tuple[TableProgress, ...]


class Attempt:
    """Connects, decides how to begin, and captures."""

    def __init__(
        self, settings: CaptureSettings, stop: threading.Event, began_lsn: int | None = None
    ) -> None:
        """Capture until `stop` is set; `began_lsn`: where the source was at the first attempt, None: it is this one."""
        self._settings = settings
        self.began_lsn = began_lsn
        self._stop = stop
        # Tells the threads that the attempt is over, whether it was stopped or failed.
        self._over = threading.Event()
        self._running: _Running | None = None

    @property
    def established(self) -> bool:
        """Whether the stream has begun."""
        return self._running is not None

    @property
    def progress(self) -> CaptureProgress:
        """What can be said of it now."""
        running = self._running
        if running is None:
            return CaptureProgress()
        slot = running.pulse.slot
        return CaptureProgress(
            phase="snapshot" if running.backfill.running else "tail",
            tables=_latest(running.complete + running.backfill.progress),
            changes=running.tail.changes,
            acknowledged_lsn=running.acknowledger.lsn,
            retained_wal_bytes=slot.retained_bytes if slot else 0,
            wal_status=slot.wal_status if slot else "",
            throttled=not running.pulse.enough.is_set(),
        )

    def run(self) -> None:
        """Capture until stopped.

        Raises:
            UnderstudyError: Something failed; what is worth another attempt says so.
        """
        with ExitStack() as stack:
            monitor, writer, surveyed = self._survey(stack)
            self._running = self._begin(stack, monitor, writer, surveyed)
            self._capture(self._running, writer)

    def prepare(self) -> int:
        """Make topics, publication and slot where they are missing, and capture nothing.

        Returns:
            LSN from which everything will be captured.

        Raises:
            UnderstudyError: As `run`.
        """
        with ExitStack() as stack:
            monitor, writer, surveyed = self._survey(stack)
            opening = Opener(self._settings, monitor, writer, surveyed, self._stop).open()
            if opening.basis is not None:
                opening.basis.point.close()
            return opening.position.lsn

    def _survey(self, stack: ExitStack) -> tuple[Connection, TopicWriter, Ground]:
        """Look at source and Kafka, and make the topics that are missing."""
        settings = self._settings
        monitor = stack.enter_context(connect(settings.source_dsn, "capture"))
        if self.began_lsn is None:
            self.began_lsn = current_lsn(monitor)
        surveyed = ground.survey(settings, monitor, broker.admin(settings))
        writer = TopicWriter(
            partial(broker.producer, settings), surveyed.topics, surveyed.ends, self._stop
        )
        stack.enter_context(closing(writer))
        return monitor, writer, surveyed

    def _begin(
        self, stack: ExitStack, monitor: Connection, writer: TopicWriter, surveyed: Ground
    ) -> _Running:
        """Start everything; what is started first is taken down last."""
        settings = self._settings
        positions = PositionWriter(writer, settings.positions_topic)
        opener = Opener(settings, monitor, writer, surveyed, self._stop)
        opening = opener.open()
        if opening.basis is not None:
            stack.callback(opening.basis.point.close)
        epoch = opening.position.epoch
        known_ids = surveyed.known.schema_ids
        shapes = Shapes(settings, monitor.info.dbname, positions, known_ids)
        stream = stack.enter_context(closing(opener.stream(opening)))
        acknowledger = Acknowledger(writer, positions, opening.position)
        rereader = Rereader(settings, shapes, writer, acknowledger, epoch, self._stop)
        stack.enter_context(closing(rereader))
        pulse = stack.enter_context(
            closing(Pulse(settings, opening.suffix, surveyed.tables.values()))
        )
        parts = SnapshotParts(
            settings=settings,
            writer=writer,
            positions=positions,
            epoch=epoch,
            enough=pulse.enough,
            stop=self._over,
        )
        complete, tables = _snapshots(settings, surveyed, shapes)
        backfill = stack.enter_context(closing(Backfill(parts, tables, opening.basis)))
        stack.callback(self._over.set)
        stack.callback(writer.give_up)
        tail_parts = TailParts(
            stream=stream,
            connection=monitor,
            relations=Relations(shapes, surveyed.tables, settings),
            writer=writer,
            positions=positions,
            acknowledger=acknowledger,
            rereader=rereader,
            resyncer=Resyncer(settings, surveyed.known, shapes, positions, backfill),
            pipeline=settings.pipeline,
            began_lsn=self.began_lsn or 0,
            epoch=epoch,
        )
        return _Running(
            stream=stream,
            tail=Tail(tail_parts),
            acknowledger=acknowledger,
            rereader=rereader,
            pulse=pulse,
            backfill=backfill,
            complete=complete,
        )

    def _capture(self, running: _Running, writer: TopicWriter) -> None:
        while not self._stop.is_set():
            running.tail.step()
            for part in (writer, running.pulse, running.rereader, running.backfill):
                part.check()
        if writer.drain(STOP_WAIT_S):
            running.acknowledger.record(running.stream, now=True)
            writer.drain(STOP_WAIT_S)


def _snapshots(
    settings: CaptureSettings, surveyed: Ground, shapes: Shapes
) -> tuple[tuple[TableProgress, ...], list[TableSnapshot]]:
    """The tables whose snapshot is complete, and those that are (still, or again) to be copied."""
    known, items = surveyed.known, settings.tables if settings.snapshot else ()
    tables = [surveyed.tables[item.place] for item in items]
    with ThreadPoolExecutor(REGISTRATIONS_AT_ONCE) as pool:
        opening = [
            pool.submit(open_snapshots, table, item, known, shapes)
            for table, item in zip(tables, items, strict=True)
        ]
        try:
            open_tables = [one for opened in opening for one in opened.result()]
        finally:
            pool.shutdown(cancel_futures=True)
    complete = tuple(
        TableProgress(table=table.label, rows=end.rows, rows_estimate=end.rows, done=True)
        for table in tables
        if (end := known.snapshots.get(table.label)) is not None
    )
    return complete, open_tables


def _latest(tables: Sequence[TableProgress]) -> tuple[TableProgress, ...]:
    """One value a table: a table that is read again has been complete before."""
    return tuple({one.table: one for one in tables}.values())
