"""Records of one topic that were read from Kafka and are not yet applied, in order, cut into batches.

Pure. Offsets of a topic of ours follow one another: it has no transactions and is never compacted. So a gap is never
taken for granted.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from consumers.checkpoint import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive records of one partition.

    Attributes:
        offsets: Rising by one.
        values: One for each offset; None is a tombstone.
        size: Bytes of all values.
        leader_epoch: Of the last record, if the broker told it.
    """

    partition: int
    offsets: Sequence[int]
    values: Sequence[bytes | None]
    size: int
    leader_epoch: int | None = None

    @property
    def next(self) -> int:
        """The offset after the last record."""
        return self.offsets[-1] + 1

    def split(self, count: int) -> tuple["Run", "Run"]:
        """The first `count` records, and the others."""
        size = sum(map(len, filter(None, self.values[:count])))
        return (
            Run(
                partition=self.partition,
                offsets=self.offsets[:count],
                values=self.values[:count],
                size=size,
                leader_epoch=self.leader_epoch,
            ),
            Run(
                partition=self.partition,
                offsets=self.offsets[count:],
                values=self.values[count:],
                size=self.size - size,
                leader_epoch=self.leader_epoch,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one transaction applies: runs of records, and the stretches of the partitions that they are.

    Attributes:
        records: How many, tombstones included.
    """

    runs: tuple[Run, ...]
    stretches: tuple[Stretch, ...]
    records: int


@dataclass(slots=True)
class Fill:
    """How many bytes some buffers hold together."""

    size: int = 0


class Buffer:
    """The records of one topic.

    Attributes:
        limits: Offsets, by partition, from which on nothing is taken in for now.
        size: Bytes of all values.
    """

    def __init__(self, topic: str, fill: Fill | None = None) -> None:
        """Begin without any partition.

        Args:
            topic: Whose records they are.
            fill: Of this and other buffers.
        """
        self._topic = topic
        self._fill = fill or Fill()
        self._runs: deque[Run] = deque()
        self._read: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        self.limits: dict[int, int] = {}
        self.records = 0
        self.size = 0

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions that are read."""
        return tuple(self._read)

    def begin(self, partition: int, offset: int) -> None:
        """Read a partition from this offset; what was read of it before is gone."""
        self.drop(partition)
        self._read[partition] = self._taken[partition] = offset

    def drop(self, partition: int) -> None:
        """Read a partition no more, and forget what was read of it."""
        self._read.pop(partition, None)
        self._taken.pop(partition, None)
        kept = [run for run in self._runs if run.partition != partition]
        self._runs = deque(kept)
        self.records = sum(len(run.offsets) for run in kept)
        self._resize(sum(run.size for run in kept) - self.size)

    def add(self, run: Run) -> int | None:
        """Take in records as they were read; what is already known of them is left out.

        Returns:
            The offset that was expected, if records are missing before these; then nothing is taken in.
        """
        expected = self._read.get(run.partition)
        if expected is None:
            return None
        limit = self.limits.get(run.partition)
        if limit is not None and run.next > limit:
            within = bisect_left(run.offsets, limit)
            if within == 0:
                return None
            run = run.split(within)[0]
        if run.offsets[0] < expected:
            known = bisect_left(run.offsets, expected)
            if known == len(run.offsets):
                return None
            run = run.split(known)[1]
        if run.offsets[0] > expected:
            return expected
        self._runs.append(run)
        self._read[run.partition] = run.next
        self.records += len(run.offsets)
        self._resize(run.size)
        return None

    def take(self, records_max: int, bytes_max: int) -> Load | None:
        """Cut off the next batch: at most so many records, and about so many bytes; None if nothing is there."""
        runs: list[Run] = []
        records = size = 0
        while self._runs and records < records_max and size < bytes_max:
            run = self._runs.popleft()
            room = min(records_max - records, _fitting(run, bytes_max - size))
            if len(run.offsets) > room:
                run, rest = run.split(room)
                self._runs.appendleft(rest)
            runs.append(run)
            records += len(run.offsets)
            size += run.size
        self.records -= records
        self._resize(-size)
        if not runs:
            return None
        return Load(runs=tuple(runs), stretches=self._stretches(runs), records=records)

    def _resize(self, difference: int) -> None:
        self.size += difference
        self._fill.size += difference

    def _stretches(self, runs: Sequence[Run]) -> tuple[Stretch, ...]:
        last = {run.partition: run for run in runs}
        stretches = []
        for partition, run in sorted(last.items()):
            stretches.append(
                Stretch(
                    topic=self._topic,
                    partition=partition,
                    first=self._taken[partition],
                    next=run.next,
                    leader_epoch=run.leader_epoch,
                )
            )
            self._taken[partition] = run.next
        return tuple(stretches)


def _fitting(run: Run, size: int) -> int:
    """How many records of a run have this size, by their mean; one at least."""
    return max(1, len(run.offsets) * size // max(run.size, 1))
