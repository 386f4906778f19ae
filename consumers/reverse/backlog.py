"""What was read of the target's changes and is not yet applied, cut where the target's commits end. Pure.

A partition has its records in the order of the target's commits, and after a capture that was killed a stretch of them
again. So everything that was committed before what has been seen in each partition is there, and a marker says the same
of partitions in which nothing comes.
"""

from collections.abc import Mapping

import polars as pl

from consumers.reverse.apply import Batch
from consumers.reverse.control import Progress
from schemas.event_id import EventId
from schemas.positions import Marker

Place = tuple[str, int]

# Rows that wait for the end of their transaction or for other partitions; from here on a part of them is applied.
ROWS_MAX = 20_000
# A row that was read again, as of a later point than what may still come; see completion.py for what it would tell.
_REREAD = "r"


class Backlog:
    """Rows of all topics, and how far each partition is."""

    def __init__(self, offsets: Mapping[Place, int], applied_lsn: int) -> None:
        """Begin at the checkpoint.

        Args:
            offsets: Where reading goes on, of all partitions.
            applied_lsn: Every commit up to here is applied.
        """
        self.applied_lsn = applied_lsn
        self.read_to = dict(offsets)
        self._committed = dict(offsets)
        self._seen: dict[Place, int] = {}
        self._pending: dict[str, pl.DataFrame] = {}
        self._source_ms = 0

    @property
    def rows(self) -> int:
        """How many rows wait."""
        return sum(frame.height for frame in self._pending.values())

    def add(self, topic: str, rows: pl.DataFrame) -> None:
        """Take in rows of a topic, as `decoding.laid_over` returns them."""
        rows = rows.filter(pl.col("__op") != _REREAD)
        for partition, lsn in rows.group_by("__partition").agg(pl.col("__lsn").max()).iter_rows():
            self._seen[topic, partition] = max(lsn, self._seen.get((topic, partition), 0))
        known = [self._pending[topic]] if topic in self._pending else []
        together = pl.concat([*known, rows.filter(pl.col("__lsn") > self.applied_lsn)])
        # A capture that was killed sends a stretch again.
        self._pending[topic] = together.unique(
            ["__lsn", "__ordinal"], keep="first", maintain_order=True
        )

    def complete(self, marker: Marker) -> int | None:
        """The LSN up to which everything is here, if that is more than what is applied; None: read on.

        Args:
            marker: The last.
        """
        behind = [
            place
            for place, offset in self.read_to.items()
            if offset < marker.ends.get(place[0], {}).get(place[1], 0)
        ]
        if behind and self.rows < ROWS_MAX:
            return None
        lsn = min((self._seen.get(place, 0) - 1 for place in behind), default=marker.lsn)
        return lsn if lsn > self.applied_lsn else None

    def batch(self, lsn: int, marker: Marker, truncations: Mapping[str, EventId]) -> Batch:
        """Everything up to an LSN; it stays here until it is confirmed.

        Args:
            lsn: `complete` up to there.
            marker: The last.
            truncations: The last of each target table, by its name.
        """
        after = dict(self.read_to)
        for topic, frame in self._pending.items():
            later = frame.filter(pl.col("__lsn") > lsn)
            firsts = later.group_by("__partition").agg(pl.col("__offset").min()).iter_rows()
            after |= {(topic, partition): offset for partition, offset in firsts}
        frames = {t: f.filter(pl.col("__lsn") <= lsn) for t, f in self._pending.items()}
        found = ((event.lsn, table) for table, event in truncations.items())
        return Batch(
            frames={topic: frame for topic, frame in frames.items() if frame.height},
            truncated=min((f for f in found if self.applied_lsn < f[0] <= lsn), default=None),
            progress=Progress(
                before=dict(self._committed),
                after=after,
                lsn=lsn,
                source_ms=marker.source_ms if marker.lsn == lsn else self._source_ms,
            ),
        )

    def confirm(self, batch: Batch) -> None:
        """Let go of a batch that is applied."""
        progress = batch.progress
        self._committed = dict(progress.after)
        self.applied_lsn, self._source_ms = progress.lsn, progress.source_ms
        left = {t: f.filter(pl.col("__lsn") > progress.lsn) for t, f in self._pending.items()}
        self._pending = {topic: frame for topic, frame in left.items() if frame.height}
