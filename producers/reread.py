"""Reads rows again whose key changed while a large value of theirs was not sent.

Such an insert lacks the value, and no image of its new key is older than it. So the row is read at
the consistent point C of a temporary slot, later than the change, and published as (epoch, C, 0).
Until then the change is not acknowledged to the source, so a kill in between loses nothing.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString

import structlog

from producers import catalog, point
from producers.acknowledge import Acknowledger
from producers.background import Background
from producers.copy_out import blocks, key_in
from producers.pgoutput import Row
from producers.point import Waiting
from producers.relations import Shape, Shapes
from producers.settings import CaptureSettings
from producers.source import Connection, connect, source_errors
from producers.topic_writer import TopicWriter
from schemas import names
from schemas.errors import ConflictError
from schemas.event_id import EventId

# Keys in one query.
KEYS_MAX = 1_000
# Rows that wait; a statement that changes more keys waits for us.
WANTED_MAX = 20_000
_RETRY_S = 1.0
_STOP_POLL_S = 0.2

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A row to read again, and the commit that waits for it."""

    topic: str
    key: tuple[str, ...]
    lsn: int


class Rereader:
    """A thread that reads rows again, all that were collected at one point together."""

    def __init__(
        self,
        settings: CaptureSettings,
        shapes: Shapes,
        writer: TopicWriter,
        acknowledger: Acknowledger,
        epoch: int,
        stop: threading.Event,
    ) -> None:
        """Write what is read through `writer`, and settle its debts, until `stop` is set or it is closed."""
        self._settings = settings
        self._shapes = shapes
        self._tables = {table.topic: table for table in settings.tables}
        self._writer = writer
        self._acknowledger = acknowledger
        self._epoch = epoch
        self._wanted: list[_Wanted] = []
        self._sent = 0
        self._after: list[tuple[int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._stop = stop
        self._closed = threading.Event()
        self._background = Background("reread", self._run)

    def want(self, shape: Shape, row: Row, commit_lsn: int) -> None:
        """Read the row of that key again; its commit is not acknowledged until then."""
        key = tuple((row[place] or b"").decode() for place in shape.key_places)
        self._acknowledger.owe(commit_lsn)
        with self._changed:
            while len(self._wanted) >= WANTED_MAX and not self._is_over():
                self._changed.wait(_STOP_POLL_S)
            self._wanted.append(_Wanted(topic=shape.topic, key=key, lsn=commit_lsn))
            self._changed.notify_all()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call once all rows wanted so far have been sent again; at once if none is."""
        with self._changed:
            if self._wanted:
                self._after.append((self._sent + len(self._wanted), call))
                return
        call()

    def check(self) -> None:
        """Raise what went wrong in the background, if something did."""
        self._background.check()

    def close(self) -> None:
        """Stop; what is still wanted stays unacknowledged and comes again."""
        self._end()
        self._background.join()

    def _is_over(self) -> bool:
        return self._closed.is_set() or self._stop.is_set()

    def _end(self) -> None:
        with self._changed:
            self._closed.set()
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                with self._changed:
                    self._changed.wait_for(lambda: self._wanted or self._closed.is_set())
                    wanted = list(self._wanted)
                self._serve(wanted)
        finally:
            self._end()

    def _serve(self, wanted: list[_Wanted]) -> None:
        try:
            self._read(wanted)
        except ConflictError as error:
            # Writers are in the way; the rows wait, and so does the acknowledgement.
            _log.warning("rows wait to be read again", rows=len(wanted), reason=str(error))
            self._closed.wait(_RETRY_S)
            return
        self._writer.cut(lambda _ends: self._settle(wanted))
        with self._changed:
            del self._wanted[: len(wanted)]
            self._sent += len(wanted)
            due = [call for number, call in self._after if number <= self._sent]
            self._after = [item for item in self._after if item[0] > self._sent]
            self._changed.notify_all()
        for call in due:
            call()

    def _settle(self, wanted: list[_Wanted]) -> None:
        for item in wanted:
            self._acknowledger.settle(item.lsn)

    def _read(self, wanted: list[_Wanted]) -> None:
        by_topic: dict[str, dict[tuple[str, ...], None]] = {}
        for item in wanted:
            by_topic.setdefault(item.topic, {})[item.key] = None
        name = f"{names.slot(self._settings.pipeline)}_r{secrets.token_hex(4)}"
        dsn = self._settings.source_dsn
        with connect(dsn, "reread monitor") as monitor, point.walsender(dsn) as connection:
            with source_errors():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            waiting = Waiting(monitor=monitor, stop=self._closed)
            options: LiteralString = "TEMPORARY LOGICAL pgoutput USE_SNAPSHOT"
            created = point.create(connection, name, waiting, options)
            for topic, keys in by_topic.items():
                # As it is now, which may differ from how it was when the key changed.
                table = catalog.read_table(monitor, self._tables[topic])
                shape = self._shapes.of(table, topic)
                self._publish(connection, shape, list(keys), created.consistent_point)

    def _publish(
        self, connection: Connection, shape: Shape, keys: list[tuple[str, ...]], lsn: int
    ) -> None:
        at = EventId(self._epoch, lsn, 0)
        for start in range(0, len(keys), KEYS_MAX):
            condition = key_in(shape.table, keys[start : start + KEYS_MAX])
            for columns in blocks(connection, shape.table, condition):
                pairs = shape.encoder.snapshot(columns, at, int(time.time() * 1000))
                self._writer.send(shape.topic, pairs)
