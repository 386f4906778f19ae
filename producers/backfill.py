"""Runs the snapshot beside the tail: one pass after another, until every table is complete."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from producers import catalog
from producers.background import Background
from producers.point import ExportedPoint, Waiting
from producers.progress import TableProgress
from producers.snapshot import Pass, SnapshotMovedError, SnapshotParts, end_if_complete
from producers.source import Connection, connect
from producers.table_snapshot import TableSnapshot
from schemas import names
from schemas.errors import ConflictError, SourceLostError
from schemas.positions import Ends

# Passes in a row that end early before one is given up.
FRUITLESS_MAX = 5
_RETRY_S = 1.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A consistent point, and `catalog.storage_of` the tables from before it was taken."""

    point: ExportedPoint
    storage: dict[int, str]


class Backfill:
    """A thread that copies what remains of the tables."""

    def __init__(
        self, parts: SnapshotParts, tables: Sequence[TableSnapshot], first: Basis | None
    ) -> None:
        """Copy the tables.

        Args:
            parts: What to work with.
            tables: Those that are not complete.
            first: The basis of the first pass; None: take a temporary slot.
        """
        self._parts = parts
        self._tables = list(tables)
        self._first = first
        self._lock = threading.Lock()
        self._idle = False
        self._background = Background("backfill", self._run)

    def add(self, table: TableSnapshot) -> None:
        """Copy one more table, after what is open of the same."""
        with self._lock:
            self._tables.append(table)
            if self._idle:
                self._idle = False
                self._background = Background("backfill", self._run)

    @property
    def running(self) -> bool:
        """Whether tables are still being copied."""
        return self._background.running

    @property
    def progress(self) -> tuple[TableProgress, ...]:
        """One value a table, of the last time that it was copied."""
        with self._lock:
            progress = [table.progress for table in self._tables]
        return tuple({one.table: one for one in progress}.values())

    def check(self) -> None:
        """Raise what went wrong in the background, if something did."""
        self._background.check()

    def close(self) -> None:
        """Wait until the readers have let go; the caller has set `stop`."""
        self._background.join()

    def _run(self) -> None:
        fruitless = 0
        while not self._rests() and not self._parts.stop.is_set():
            try:
                self._pass()
                fruitless = 0
            except SnapshotMovedError:
                raise  # The table may have other columns now: all is looked at again.
            except ConflictError as error:
                _log.warning("the snapshot waits", reason=str(error))
            except SourceLostError:
                fruitless += 1
                if fruitless >= FRUITLESS_MAX:
                    raise
                self._parts.stop.wait(_RETRY_S)

    def _rests(self) -> bool:
        """Whether nothing is left to do; whoever adds something then starts us again."""
        with self._lock:
            self._idle = all(table.ended for table in self._tables)
            return self._idle

    def _open(self) -> list[TableSnapshot]:
        """What is not complete; of a table that is to be copied twice the first: their chunks have the same names."""
        first: dict[str, TableSnapshot] = {}
        with self._lock:
            for table in self._tables:
                if not table.ended:
                    first.setdefault(table.shape.table.label, table)
        return list(first.values())

    def _pass(self) -> None:
        with connect(self._parts.settings.source_dsn, "backfill") as monitor:
            unread = [table for table in self._open() if table.ranges()]
            if unread:
                basis, self._first = self._first or self._new_basis(monitor, unread), None
                try:
                    run = Pass(self._parts, basis.point.created, unread, basis.storage)
                    run.run(imported=basis.point.close)
                finally:
                    basis.point.close()
            self._settle()

    def _new_basis(self, monitor: Connection, tables: list[TableSnapshot]) -> Basis:
        storage = catalog.storage_of(monitor, [table.shape.table for table in tables])
        name = f"{names.slot(self._parts.settings.pipeline)}_s{secrets.token_hex(4)}"
        dsn = self._parts.settings.source_dsn
        waiting = Waiting(monitor=monitor, stop=self._parts.stop)
        point = ExportedPoint(dsn, name, waiting, temporary=True)
        return Basis(point=point, storage=storage)

    def _settle(self) -> None:
        """Wait until what the pass has sent is stored, and end tables that were complete before."""
        stored = threading.Event()

        def end(ends: Ends) -> None:
            for table in self._open():
                end_if_complete(self._parts, table, ends)
            stored.set()

        self._parts.writer.cut(end)
        while not stored.wait(_RETRY_S) and not self._parts.stop.is_set():
            self._parts.writer.check()
