"""Reads the topics of the way back, and cuts what was read into batches that end where the target's commits end.

A partition has its records in the order of the target's commits, and after a capture that was killed a stretch of them
again. So everything that was committed before what has been seen in each partition is there, and a marker says the same
of partitions in which nothing comes.
"""

import time
from collections.abc import Iterable, Mapping

import polars as pl
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from consumers import decoding
from consumers.assembly import Schemas
from consumers.broker import broker_error, broker_errors, passes
from consumers.buffer import Load, Run
from consumers.points import Points, PointsReader
from consumers.reverse.apply import Batch
from consumers.reverse.control import Progress
from consumers.reverse.plan import TableBack
from consumers.reverse.settings import ReverseSettings
from schemas.errors import BrokerError
from schemas.table import Table

Place = tuple[str, int]

MESSAGES_MAX = 1_000
POLL_S = 0.05
# Rows that wait for the end of their transaction or for other partitions; from here on a part of them is applied.
ROWS_MAX = 20_000
# How often it is recorded that nothing has come.
IDLE_S = 0.5
# What a row that was read again says, the way back asks the target itself (completion.py).
_REREAD = "r"


class Reader:
    """Holds what was read and is not yet applied; for one thread."""

    def __init__(
        self,
        settings: ReverseSettings,
        tables: Iterable[TableBack],
        offsets: Mapping[Place, int],
        applied_lsn: int,
    ) -> None:
        """Begin at the checkpoint.

        Args:
            settings: Of the way back.
            tables: By their topics the rows are read.
            offsets: Where reading goes on, of all partitions.
            applied_lsn: Every commit up to here is applied.
        """
        self._tables = {table.topic: table for table in tables}
        self._schemas = Schemas(settings.registry)
        self._points = Points()
        self._committed = dict(offsets)
        self._read_to = dict(offsets)
        self._seen: dict[Place, int] = {}
        self._pending: dict[str, pl.DataFrame] = {}
        self._applied_lsn = applied_lsn
        self._source_ms = 0
        self._told_at = 0.0
        self._follower = Consumer(settings.follower_options)
        topic = settings.positions_topic
        self._positions = PointsReader(self._follower, topic, self._points, self._schemas)
        self._consumer = Consumer(settings.consumer_options)
        with broker_errors():
            self._consumer.assign([TopicPartition(*at, offset) for at, offset in offsets.items()])

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()
        self._follower.close()

    def read(self) -> None:
        """One turn: wait for records a little, and take in what has come.

        Raises:
            BrokerError: Kafka refuses, or records are missing.
        """
        self._positions.follow(0)
        with broker_errors():
            first = self._consumer.poll(POLL_S)
            messages = [] if first is None else [first, *self._consumer.consume(MESSAGES_MAX, 0)]
        by_topic: dict[str, list[Message]] = {}
        for message in messages:
            if _is_sound(message):
                by_topic.setdefault(message.topic() or "", []).append(message)
        for topic, records in by_topic.items():
            self._take(topic, records)

    def complete(self) -> int | None:
        """The LSN up to which everything is here, if that is more than what is applied; None: read on."""
        marker = self._points.newest
        if marker is None or marker.lsn <= self._applied_lsn:
            return None
        behind = [
            place
            for place, offset in self._read_to.items()
            if offset < marker.ends.get(place[0], {}).get(place[1], 0)
        ]
        rows = sum(frame.height for frame in self._pending.values())
        if behind and rows < ROWS_MAX:
            return None
        if not behind and not rows and time.monotonic() - self._told_at < IDLE_S:
            return None
        lsn = min((self._seen.get(place, 0) - 1 for place in behind), default=marker.lsn)
        return lsn if lsn > self._applied_lsn else None

    def batch(self, lsn: int) -> Batch:
        """Everything up to an LSN; it stays here until it is confirmed."""
        marker = self._points.newest
        is_whole = marker is not None and marker.lsn == lsn
        after = dict(self._read_to)
        for topic, frame in self._pending.items():
            later = frame.filter(pl.col("__lsn") > lsn)
            firsts = later.group_by("__partition").agg(pl.col("__offset").min()).iter_rows()
            after |= {(topic, partition): offset for partition, offset in firsts}
        frames = {t: f.filter(pl.col("__lsn") <= lsn) for t, f in self._pending.items()}
        progress = Progress(
            before=dict(self._committed),
            after=after,
            lsn=lsn,
            source_ms=marker.source_ms if marker and is_whole else self._source_ms,
        )
        return Batch(
            frames={topic: frame for topic, frame in frames.items() if frame.height},
            truncated=self._truncated(lsn),
            progress=progress,
        )

    def confirm(self, batch: Batch) -> None:
        """Let go of a batch that is applied."""
        progress = batch.progress
        self._committed = dict(progress.after)
        self._applied_lsn, self._source_ms = progress.lsn, progress.source_ms
        self._told_at = time.monotonic()
        left = {t: f.filter(pl.col("__lsn") > progress.lsn) for t, f in self._pending.items()}
        self._pending = {topic: frame for topic, frame in left.items() if frame.height}

    def _truncated(self, lsn: int) -> tuple[int, str] | None:
        found = (
            (event.lsn, self._tables[topic].label)
            for topic, event in self._points.truncations.items()
            if topic in self._tables and self._applied_lsn < event.lsn <= lsn
        )
        return min(found, default=None)

    def _take(self, topic: str, messages: list[Message]) -> None:
        runs = []
        for partition in {message.partition() or 0 for message in messages}:
            records = [message for message in messages if message.partition() == partition]
            run = _run(partition, records)
            if run.offsets[0] != self._read_to[topic, partition]:
                raise BrokerError(
                    "records are missing",
                    topic=topic,
                    partition=partition,
                    offset=self._read_to[topic, partition],
                )
            self._read_to[topic, partition] = run.next
            runs.append(run)
        load = Load(runs=tuple(runs), stretches=(), records=len(messages))
        if any(value is not None for run in runs for value in run.values):
            self._add(topic, load)

    def _add(self, topic: str, load: Load) -> None:
        rows = decoding.laid_over(
            decoding.read(load, self._schemas.reader), _published(self._tables[topic].target)
        )
        # Rows that were read again are as of a later point than what may still come; nobody here needs them.
        rows = rows.filter(pl.col("__op") != _REREAD)
        for partition, lsn in rows.group_by("__partition").agg(pl.col("__lsn").max()).iter_rows():
            place = topic, partition
            self._seen[place] = max(lsn, self._seen.get(place, 0))
        known = [self._pending[topic]] if topic in self._pending else []
        together = pl.concat([*known, rows.filter(pl.col("__lsn") > self._applied_lsn)])
        # A capture that was killed sends a stretch again.
        self._pending[topic] = together.unique(
            ["__lsn", "__ordinal"], keep="first", maintain_order=True
        )


def _published(table: Table) -> Table:
    columns = tuple(column for column in table.columns if not column.generated)
    return Table(schema=table.schema, name=table.name, columns=columns, key=table.key)


def _run(partition: int, messages: list[Message]) -> Run:
    values = [message.value() for message in messages]
    return Run(
        partition=partition,
        offsets=[message.offset() or 0 for message in messages],
        values=values,
        size=sum(map(len, filter(None, values))),
    )


def _is_sound(message: Message) -> bool:
    """Whether a message is a record.

    Raises:
        BrokerError: It is an error that does not pass.
    """
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's name
        raise BrokerError("records of the checkpoint are no longer there", topic=message.topic())
    if not passes(error):
        raise broker_error(error, topic=message.topic())
    return False
