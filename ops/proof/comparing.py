"""Comparing many rows at one exact point: stretches of them over a few lanes, each with a session on both sides."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import polars as pl

from consumers import images
from consumers.expectation import Expectation
from consumers.plain import Plain
from consumers.stage import Stage
from ops import databases
from ops.databases import Connection
from ops.proof import prints, source_rows
from ops.proof.exact_point import APPLICATION, ExactPoint, begin
from ops.proof.prints import Prints
from ops.proof.source_rows import Stretch
from ops.proof.verification import EntityVerification
from ops.stack.state import Endpoints

LANES = 2
_EXPORT = "SELECT pg_export_snapshot()"
# As the workers have it: the planner knows nothing of a staging table, and would read the whole target for each batch.
_BY_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
_BY_SCAN = "SET LOCAL enable_seqscan = on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows of one entity that are compared.

    Attributes:
        keys: Legacy keys that are looked at; what the stretch has of them is there, and the others are gone.
        again: Whether the rows were read, and counted, before.
    """

    stage: Stage
    found: EntityVerification
    stretch: Stretch
    keys: frozenset[str] = frozenset()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Rows of one entity that are read for their numbers.

    Attributes:
        stretch: Of the legacy table, or of the target table.
    """

    plain: Plain
    found: EntityVerification
    prints: Prints
    stretch: Stretch
    of_target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """A session on each side, and the entities whose staging tables it has."""

    source: Connection
    target: Connection
    prepared: set[str]

    def reading(self) -> AbstractContextManager[object]:
        """Rolled back, so that a legacy table is locked no longer than a stretch of it is read."""
        return self.source.transaction(force_rollback=True)


class Comparing:
    """Works off tasks in their order, in the background, until the context ends."""

    def __init__(
        self, at: Endpoints, point: ExactPoint, *, values: bool = False, rows_per_s: float = 0
    ) -> None:
        """Compare at this point.

        Args:
            at: Where the servers are.
            point: Its transactions stay open until the comparison has ended.
            values: Whether the values that differ are kept.
            rows_per_s: At most so many; 0: as fast as it goes.
        """
        self._at = at
        self._values = values
        self._rows_per_s = rows_per_s
        self._snapshots = {
            side: str(connection.execute(_EXPORT).fetchall()[0][0])
            for side, connection in (("source", point.source), ("target", point.target))
        }
        self._pool = ThreadPoolExecutor(LANES, "verify")
        self._sessions = ExitStack()
        self._own = threading.local()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._rows = 0

    def __enter__(self) -> Self:
        """Begin; a lane is opened with its first task."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave out what was not begun, and wait for what was.

        Raises:
            TargetError: In place of what the driver has raised of the target.
        """
        self._pool.shutdown(cancel_futures=True)
        self._sessions.__exit__(kind, error, trace)

    def submit(self, task: Task | Scan) -> Future[None]:
        """Have a task worked off.

        Returns:
            It raises SourceError where a legacy table cannot be read, and what psycopg raises of the target.
        """
        return self._pool.submit(self._work, task)

    def _work(self, task: Task | Scan) -> None:
        lane: _Lane | None = getattr(self._own, "lane", None)
        if lane is None:
            lane = self._own.lane = self._open()
        if isinstance(task, Task):
            lane.target.execute(_BY_INDEX)
            self._prepare(lane, task)
            with lane.reading():
                self._compare(lane, task)
        elif task.of_target:
            lane.target.execute(_BY_SCAN)
            for found in prints.of_target(task.plain, lane.target, task.stretch):
                with self._lock:
                    task.prints.found.append(found)
        else:
            with lane.reading():
                self._scan(lane, task)

    def _prepare(self, lane: _Lane, task: Task) -> None:
        if task.found.entity not in lane.prepared:
            lane.prepared.add(task.found.entity)
            with lane.target.cursor() as cursor:
                task.stage.prepare(cursor)

    def _scan(self, lane: _Lane, task: Scan) -> None:
        for keys, expected in prints.of_source(task.plain, lane.source, task.stretch):
            with self._lock:
                task.found.rows += len(keys)
                task.found.keys.append(keys)
                task.prints.expected.append(expected)
            self._rest(len(keys))

    def _open(self) -> _Lane:
        with self._lock:
            enter = self._sessions.enter_context
            source = enter(databases.source(self._at.source_dsn, APPLICATION))
            target = enter(databases.target(self._at.target_dsn, APPLICATION))
        begin(source, self._snapshots["source"])
        begin(target, self._snapshots["target"], "READ WRITE")  # Of temporary tables alone.
        return _Lane(source=source, target=target, prepared=set())

    def _compare(self, lane: _Lane, task: Task) -> None:
        expectation, gone = Expectation(task.stage), set(task.keys)
        with lane.target.cursor() as cursor:
            for block in source_rows.blocks(lane.source, task.stretch):
                keys = task.stage.keys(block)
                gone.difference_update(keys.to_list() if gone else ())
                rows = expectation.unexpected(cursor, block)
                waiting = [row.key for row in rows if row.standing.waits or row.standing.given_up]
                with self._lock:
                    if not task.again:
                        task.found.rows += block.height
                        task.found.keys.append(keys)
                    task.found.take(rows, values=self._values)
                    if waiting:
                        staying = _printed(task.stage, block.filter(keys.is_in(waiting)))
                        task.found.staying.append(staying)
                self._rest(block.height)
            if gone:
                rows = expectation.remaining(cursor, sorted(gone))
                with self._lock:
                    task.found.take(rows, values=self._values)

    def _rest(self, rows: int) -> None:
        """Wait as long as the limit of the rate wants it."""
        with self._lock:
            self._rows += rows
            due = self._began + (self._rows / self._rows_per_s if self._rows_per_s else 0.0)
        time.sleep(max(0.0, due - time.monotonic()))


def _printed(stage: Stage, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of the key as texts, `__key0` and so on."""
    return rows.select(
        images.texts(column.name, rows.schema[column.name]).cast(pl.String).alias(f"__key{n}")
        for n, column in enumerate(stage.plan.key)
    )
