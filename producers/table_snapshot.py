"""How far the snapshot of one table is: its work list, and what is recorded of it.

Threads share it: readers take ranges and give back what is left of them, and the writer's thread
tells which chunks are stored.
"""

import threading
from collections.abc import Mapping

from producers.chunks import KeyRange, remaining
from producers.progress import TableProgress
from producers.relations import Shape
from schemas.positions import Chunk


class TableSnapshot:
    """One table that is being copied."""

    def __init__(self, shape: Shape, done: Mapping[int, Chunk], *, again: bool = False) -> None:
        """Begin with the chunks that are stored already; `again`: it is read for a resync."""
        self.shape = shape
        self._again = again
        self._chunks = dict(done)
        self._lock = threading.Lock()
        self._rows = sum(chunk.rows for chunk in done.values())
        self._ended = False

    def ranges(self) -> list[KeyRange]:
        """What no stored chunk covers; it is read (again) from now on."""
        self._rows = self.rows
        return remaining(self._chunks)

    def count(self, rows: int) -> None:
        """More rows have been sent."""
        with self._lock:
            self._rows += rows

    def complete(self) -> bool:
        """Whether every range is stored; says so once only."""
        with self._lock:
            complete = not self._ended and not remaining(self._chunks)
            self._ended = self._ended or complete
            return complete

    def stored(self, chunk: Chunk) -> None:
        """Note a stored chunk."""
        with self._lock:
            self._chunks[chunk.number] = chunk

    @property
    def ended(self) -> bool:
        """Whether `complete` has said so."""
        return self._ended

    @property
    def lsn(self) -> int:
        """The latest of the points at which its chunks were read."""
        return max(chunk.lsn for chunk in self._chunks.values())

    @property
    def since(self) -> int:
        """The earliest of them, for a resync; otherwise 0."""
        return min(chunk.lsn for chunk in self._chunks.values()) if self._again else 0

    @property
    def rows(self) -> int:
        """Rows of all stored chunks."""
        return sum(chunk.rows for chunk in self._chunks.values())

    @property
    def progress(self) -> TableProgress:
        """What can be said of it now."""
        table = self.shape.table
        return TableProgress(
            table=table.label, rows=self._rows, rows_estimate=table.rows_estimate, done=self._ended
        )
