"""Comparing many rows at one exact point: stretches of them over a few lanes, each with a session on both sides."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import polars as pl

from consumers import images
from consumers.expectation import Expectation, Unexpected
from consumers.stage import Stage
from ops import databases
from ops.databases import Connection
from ops.proof import source_rows
from ops.proof.exact_point import APPLICATION, ExactPoint, begin
from ops.proof.source_rows import Stretch
from ops.proof.verification import EntityVerification
from ops.stack.state import Endpoints

LANES = 2
_EXPORT = "SELECT pg_export_snapshot()"
# As the workers have it: the planner knows nothing of a staging table, and would read the whole target for each batch.
_BY_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows of one entity that are compared.

    Attributes:
        keys: Legacy keys that are looked at; what the stretch has of them is there, and the others are gone.
    """

    stage: Stage
    found: EntityVerification
    stretch: Stretch | None = None
    keys: frozenset[str] = frozenset()


class Comparing:
    """Works off tasks; for one thread, which waits meanwhile."""

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
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._rows = 0

    def run(self, tasks: Sequence[Task]) -> None:
        """Compare everything; where a task fails, no other is begun.

        Raises:
            SourceError: A legacy table cannot be read.
            TargetError: The target cannot be asked.
        """
        waiting = deque(tasks)
        with ThreadPoolExecutor(LANES, "verify") as pool:
            for lane in [pool.submit(self._lane, waiting) for _ in range(min(LANES, len(tasks)))]:
                lane.result()

    def _lane(self, tasks: deque[Task]) -> None:
        with ExitStack() as open_:
            source = open_.enter_context(databases.source(self._at.source_dsn, APPLICATION))
            target = open_.enter_context(databases.target(self._at.target_dsn, APPLICATION))
            begin(source, self._snapshots["source"])
            begin(target, self._snapshots["target"], "READ WRITE")  # Of temporary tables alone.
            target.execute(_BY_INDEX)
            prepared: set[str] = set()
            try:
                while (task := self._next(tasks)) is not None:
                    self._prepare(target, task, prepared)
                    self._compare(source, target, task)
            except BaseException:
                tasks.clear()
                raise

    def _next(self, tasks: deque[Task]) -> Task | None:
        with self._lock:
            return tasks.popleft() if tasks else None

    def _prepare(self, target: Connection, task: Task, prepared: set[str]) -> None:
        if task.found.entity not in prepared:
            prepared.add(task.found.entity)
            with target.cursor() as cursor:
                task.stage.prepare(cursor)

    def _compare(self, source: Connection, target: Connection, task: Task) -> None:
        expectation, gone = Expectation(task.stage), set(task.keys)
        with target.cursor() as cursor:
            for block in source_rows.blocks(source, task.stretch) if task.stretch else ():
                keys = task.stage.keys(block)
                gone.difference_update(keys.to_list() if gone else ())
                self._take(task, expectation.unexpected(cursor, block), block, keys)
                self._rest(block.height)
            if gone:
                rows = expectation.remaining(cursor, sorted(gone))
                with self._lock:
                    task.found.take(rows, values=self._values)

    def _take(
        self, task: Task, rows: Sequence[Unexpected], block: pl.DataFrame, keys: pl.Series
    ) -> None:
        waiting = [row.key for row in rows if row.standing.waits or row.standing.given_up]
        with self._lock:
            task.found.rows += block.height
            task.found.take(rows, values=self._values)
            task.found.keys.append(keys)
            if waiting:
                task.found.staying.append(_printed(task.stage, block.filter(keys.is_in(waiting))))

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
