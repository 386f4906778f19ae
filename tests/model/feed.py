"""The producer: what stands in the topics, with snapshot rows and repeated stretches anywhere."""

from dataclasses import dataclass
from random import Random

from tests.model.history import COMMIT_STEP, Event, EventId, History
from tests.model.scenario import Scenario

PARTITIONS = (0, 1)
Partition = tuple[str, int]
# A partition is at most this long before nothing more is repeated in it.
REPEATED_UP_TO = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What consumers read.

    Attributes:
        queues: The records of each partition in the order of offsets.
        snapshot_end: The offset behind the last row of the snapshot.
        truncations: (event id, table), in order.
    """

    queues: dict[Partition, list[Event]]
    snapshot_end: dict[Partition, int]
    truncations: list[tuple[EventId, str]]

    def end_offset(self, partition: Partition, lsn: int) -> int:
        """The end offset that a marker at this LSN names."""
        queue = self.queues[partition]
        later = (at for at, event in enumerate(queue) if event.op != "r" and event.id[0] > lsn)
        return next(later, len(queue))


def feed(rng: Random, scenario: Scenario, log: History) -> Feed:
    """Publish a history: the tail from a consistent point on, and a snapshot of that point."""
    producer = _Producer(rng, scenario, log)
    queues: dict[Partition, list[Event]] = {}
    snapshot_end: dict[Partition, int] = {}
    for table in scenario.shape.tables:
        producer.next_table()
        for number in PARTITIONS:
            queues[table, number], snapshot_end[table, number] = producer.partition(table, number)
    later = [found for found in log.truncations if found[0][0] > producer.first]
    return Feed(queues=queues, snapshot_end=snapshot_end, truncations=later)


class _Producer:
    def __init__(self, rng: Random, scenario: Scenario, log: History) -> None:
        self._rng, self._scenario, self._log = rng, scenario, log
        self._points = [lsn + COMMIT_STEP // 2 for lsn in sorted(log.states)]
        self.first = rng.choice(self._points)
        self._second = self.first

    def next_table(self) -> None:
        """Choose where the snapshot of a table goes on, if it is interrupted."""
        later = [point for point in self._points if point >= self.first]
        self._second = self._rng.choice(later) if self._scenario.resumed else self.first

    def partition(self, table: str, number: int) -> tuple[list[Event], int]:
        """The records of one partition, and the end offset of its snapshot."""
        queue = [
            event
            for event in self._log.events
            if event.table == table and event.key % 2 == number and event.id[0] > self.first
        ]
        reads = self._reads(number)
        rows = self._rows(table, reads + self._read_again(queue))
        for row in rows:
            queue.insert(self._rng.randint(0, len(queue)), row)
        records = self._repeated(queue)
        ends = (records.index(row) + 1 for row in rows if (row.id[0], row.key) in reads)
        return records, max(ends, default=0)

    def _reads(self, number: int) -> list[tuple[int, int]]:
        """(consistent point, key) of the snapshot. A chunk is one key, read at one point or at both."""
        rng, reads = self._rng, []
        for key in self._scenario.keys:
            if key % 2 == number:
                at = {self.first if rng.random() < 0.6 else self._second}
                at |= {self.first} if rng.random() < 0.3 else set()
                reads += [(point, key) for point in sorted(at)]
        return reads

    def _read_again(self, queue: list[Event]) -> list[tuple[int, int]]:
        """(consistent point, key) of the rows that a key change sent without their TOASTed value."""
        return [
            (self._rng.choice([point for point in self._points if point > event.id[0]]), event.key)
            for event in queue
            if "reread" in self._scenario.rules and event.moved and event.is_partial
        ]

    def _rows(self, table: str, reads: list[tuple[int, int]]) -> list[Event]:
        found = []
        for point, key in reads:
            row = self._log.states[point - COMMIT_STEP // 2][table].get(key)
            if row is not None:
                found.append(Event(id=(point, 0), table=table, key=key, op="r", row=row))
        return found

    def _repeated(self, queue: list[Event]) -> list[Event]:
        """Now and then the producer starts again further back."""
        records: list[Event] = []
        at = 0
        while at < len(queue):
            records.append(queue[at])
            at += 1
            if self._rng.random() < self._scenario.duplicate and len(records) < REPEATED_UP_TO:
                at = max(0, at - self._rng.randint(1, 4))
        return records
