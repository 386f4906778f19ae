"""The consumers: batches, markers, truncations and sweeps in any interleaving, on any target."""

from collections.abc import Callable
from random import Random

from tests.model.feed import PARTITIONS, Feed
from tests.model.history import COMMIT_STEP
from tests.model.scenario import Scenario
from tests.model.target import Target

BATCH_MAX = 6
SWEEPS_MAX = 30


def play(
    rng: Random,
    scenario: Scenario,
    feed: Feed,
    target: Target,
    after_each: Callable[[], None] = lambda: None,
) -> None:
    """Consume everything in a random interleaving, then sweep until nothing changes.

    Args:
        rng: Chooses what comes next.
        scenario: Of the feed.
        feed: What is read, from its beginning.
        target: What it is applied to.
        after_each: Called after each step.

    Raises:
        AssertionError: The target never comes to rest, or something is found on the way.
    """
    consumers = _Consumers(rng, scenario, feed, target)
    while consumers.have_records():
        consumers.step()
        after_each()
    consumers.finish()
    for _ in range(SWEEPS_MAX):
        before = target.dump()
        target.sweep()
        if target.dump() == before:
            return
    raise AssertionError("it never comes to rest")


class _Consumers:
    def __init__(self, rng: Random, scenario: Scenario, feed: Feed, target: Target) -> None:
        self._rng, self._scenario, self._feed, self._target = rng, scenario, feed, target
        self._tables = scenario.shape.tables
        self._offsets = dict.fromkeys(feed.queues, 0)
        self._obeyed = dict.fromkeys(self._tables, 0)

    def have_records(self) -> bool:
        queues = self._feed.queues
        return any(offset < len(queues[at]) for at, offset in self._offsets.items())

    def step(self) -> None:
        """One random act of one consumer."""
        rng = self._rng
        table, dice = rng.choice(self._tables), rng.random()
        if dice < 0.15:
            self._target.sweep()
        elif dice < 0.3:
            self._mark(table)
        elif dice < 0.35:
            self._obey(table, rng.randrange(0, self._scenario.horizon))
        elif dice < 0.4 and self._scenario.restarts:
            self._start_again(table)
        elif not self._waits_for_snapshot(table):
            self._read_batch(table)

    def _waits_for_snapshot(self, table: str) -> bool:
        """Whether the parents have not yet applied the end of their snapshot."""
        parent = self._scenario.shape.refers.get(table, table)
        if parent == table or "gate" not in self._scenario.rules:
            return False
        ends = self._feed.snapshot_end
        return any(self._offsets[parent, n] < ends[parent, n] for n in PARTITIONS)

    def _read_batch(self, table: str) -> None:
        batch = []
        for number in self._rng.choice(((0,), (1,), (0, 1))):
            queue, offset = self._feed.queues[table, number], self._offsets[table, number]
            end = min(len(queue), offset + self._rng.randint(1, BATCH_MAX))
            batch += queue[offset:end]
            self._offsets[table, number] = end
        self._target.settle(table, batch)

    def _start_again(self, table: str) -> None:
        number = self._rng.choice(PARTITIONS)
        back = self._rng.randint(1, BATCH_MAX)
        self._offsets[table, number] = max(0, self._offsets[table, number] - back)

    def _mark(self, table: str) -> None:
        """The last marker whose end offsets are reached is applied."""
        for lsn in range(self._scenario.horizon - COMMIT_STEP, -1, -COMMIT_STEP):
            if self._has_reached(table, lsn):
                self._obey(table, lsn)
                self._target.mark(table, lsn)
                return

    def _has_reached(self, table: str, lsn: int) -> bool:
        ends = {n: self._feed.end_offset((table, n), lsn) for n in PARTITIONS}
        return all(self._offsets[table, n] >= end for n, end in ends.items())

    def _obey(self, table: str, up_to: int) -> None:
        """The truncations of a table up to an LSN."""
        for event_id, name in self._feed.truncations:
            if name == table and self._obeyed[table] < event_id[0] <= up_to:
                self._target.truncate(table, event_id)
        self._obeyed[table] = max(self._obeyed[table], up_to)

    def finish(self) -> None:
        """Everything is read, and the last marker is applied."""
        for table in self._tables:
            self._obey(table, self._scenario.horizon)
            self._target.mark(table, self._scenario.horizon)
