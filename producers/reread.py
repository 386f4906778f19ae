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

from producers import catalog, slot
from producers.acknowledge import Acknowledger
from producers.background import Background
from producers.copy_out import blocks, key_in
from producers.pgoutput import Row
from producers.relations import Shape, Shapes
from producers.settings import CaptureSettings
from producers.source import Connection, connect, connect_replication, source_errors
from producers.topic_writer import TopicWriter
from schemas import names
from schemas.errors import ConflictError
from schemas.event_id import EventId

# Keys in one query.
KEYS_MAX = 1_000
# Rows that wait; a statement that changes more keys waits for us.
WANTED_MAX = 20_000
_RETRY_S = 1.0


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
    ) -> None:
        """Write what is read through `writer`, and settle its debts."""
        self._settings = settings
        self._shapes = shapes
        self._tables = {table.topic: table for table in settings.tables}
        self._writer = writer
        self._acknowledger = acknowledger
        self._epoch = epoch
        self._wanted: list[_Wanted] = []
        self._after: list[Callable[[], None]] = []
        self._busy = False
        self._changed = threading.Condition()
        self._closed = False
        self._background = Background("reread", self._run)

    def want(self, shape: Shape, row: Row, commit_lsn: int) -> None:
        """Read the row of that key again; its commit is not acknowledged until then."""
        key = tuple((row[place] or b"").decode() for place in shape.key_places)
        self._acknowledger.owe(commit_lsn)
        with self._changed:
            self._changed.wait_for(lambda: len(self._wanted) < WANTED_MAX or self._closed)
            self._wanted.append(_Wanted(topic=shape.topic, key=key, lsn=commit_lsn))
            self._changed.notify_all()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call once all rows wanted so far have been sent again; at once if none is."""
        with self._changed:
            if self._wanted or self._busy:
                self._after.append(call)
                return
        call()

    def check(self) -> None:
        """Raise what went wrong in the background, if something did."""
        self._background.check()

    def close(self) -> None:
        """Stop; what is still wanted stays unacknowledged and comes again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._background.join()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                wanted, self._wanted, self._busy = self._wanted, [], True
                self._changed.notify_all()
            try:
                self._read(wanted)
            except ConflictError:
                # Writers are in the way; the rows wait, and so does the acknowledgement.
                time.sleep(_RETRY_S)
                with self._changed:
                    self._wanted = wanted + self._wanted
                continue
            self._finish(wanted)

    def _finish(self, wanted: list[_Wanted]) -> None:
        def stored() -> None:
            for item in wanted:
                self._acknowledger.settle(item.lsn)

        self._writer.cut(lambda _ends: stored())
        with self._changed:
            self._busy = False
            calls, self._after = ([], self._after) if self._wanted else (self._after, [])
        for call in calls:
            call()

    def _read(self, wanted: list[_Wanted]) -> None:
        by_topic: dict[str, dict[tuple[str, ...], None]] = {}
        for item in wanted:
            by_topic.setdefault(item.topic, {})[item.key] = None
        name = f"{names.slot(self._settings.pipeline)}_r{secrets.token_hex(4)}"
        dsn = self._settings.source_dsn
        with connect(dsn, "reread monitor") as monitor, _walsender(dsn) as connection:
            with source_errors():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            point = slot.create(connection, monitor, name, "TEMPORARY", "USE_SNAPSHOT")
            for topic, keys in by_topic.items():
                # As it is now, which may differ from how it was when the key changed.
                table = catalog.read_table(monitor, self._tables[topic])
                shape = self._shapes.of(table, topic)
                self._publish(connection, shape, list(keys), point.consistent_point)

    def _publish(
        self, connection: Connection, shape: Shape, keys: list[tuple[str, ...]], point: int
    ) -> None:
        at = EventId(self._epoch, point, 0)
        for start in range(0, len(keys), KEYS_MAX):
            condition = key_in(shape.table, keys[start : start + KEYS_MAX])
            for columns in blocks(connection, shape.table, condition):
                pairs = shape.encoder.snapshot(columns, at, int(time.time() * 1000))
                self._writer.send(shape.topic, pairs)


def _walsender(dsn: str) -> Connection:
    return connect_replication(dsn, "reread", lock_timeout=slot.CREATE_WAIT)
