"""Who does what next: the units of consumption, and what the apply lanes take from them.

The batches of a unit are applied one after the other; while one is applied, another lane may decode the next, or apply
one of another unit, also of the same topic: as another worker might. All state of the units is guarded by one lock.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

from consumers.buffer import Buffer, Fill, Run
from consumers.durations import Durations
from consumers.unit import Batch, Chore, Job, Task, Unit, Work

# One that is applied and one that is decoded meanwhile.
DEPTH = 2
# Bytes of one batch. Decoded, a record takes several times its bytes.
BATCH_BYTES_MAX = 3_000_000
# Of all buffers together; where they hold as much, each has enough with its little.
BUFFERS_BYTES_MAX = 16_000_000
UNIT_BYTES_MIN = 250_000
# A buffer is full at this many batches and is filled again under the other.
HIGH_BATCHES, LOW_BATCHES = 2.0, 1.0
# While some unit has so much to do, one with fewer than a few hundred records lets more of them come: much of what a
# batch takes does not depend on how many they are.
BUSY_RECORDS = 2_000
FEW_RECORDS = 300
LINGER_S = 10.0
# Between two attempts of a batch.
DELAY_FIRST_S, DELAY_MAX_S = 0.05, 5.0


class Schedule:
    """All units of a worker."""

    def __init__(
        self, topics: Mapping[str, Sequence[str]], batch_rows: int, shares: Mapping[str, int]
    ) -> None:
        """Make the units.

        Args:
            topics: The names of the entities by topic.
            batch_rows: Records of a topic that are applied at once, at most.
            shares: Among how many units the partitions of a topic are shared; one unless it is named.
        """
        self._fill = Fill()
        self._by_topic = {
            topic: _shared(topic, tuple(names), batch_rows, shares.get(topic, 1), self._fill)
            for topic, names in topics.items()
        }
        self.units = [unit for units in self._by_topic.values() for unit in units]
        self.durations = Durations()
        self.failure: BaseException | None = None
        self._order = deque(self.units)
        self._closed = False
        self._changed = threading.Condition()

    def unit(self, topic: str, partition: int) -> Unit:
        """The unit of a partition."""
        units = self._by_topic[topic]
        return units[partition % len(units)]

    def begin(self, topic: str, partition: int, offset: int) -> None:
        """A partition is ours, and is read from this offset, its checkpoint."""
        with self._changed:
            unit = self.unit(topic, partition)
            unit.buffer.begin(partition, offset)
            unit.committed[partition] = offset

    def begin_again(self, unit: Unit, offsets: Mapping[int, int]) -> None:
        """The reader is back at the checkpoints of all partitions of a unit."""
        with self._changed:
            for partition, offset in offsets.items():
                unit.buffer.begin(partition, offset)
                unit.committed[partition] = offset
            unit.rewinding = False

    def end(self, topic: str, partition: int) -> None:
        """A partition is no longer ours: what is under way for its unit is abandoned where it stands."""
        with self._changed:
            unit = self.unit(topic, partition)
            unit.buffer.drop(partition)
            unit.committed.pop(partition, None)
            self._rewind(unit)

    def add(self, topic: str, run: Run) -> int | None:
        """Take in records.

        Returns:
            The offset that was expected, if records before these are missing.
        """
        with self._changed:
            unit = self.unit(topic, run.partition)
            if unit.rewinding:
                return None
            gap = unit.buffer.add(run)
            self._changed.notify_all()
            return gap

    def is_full(self, unit: Unit, *, resuming: bool = False) -> bool:
        """Whether a unit has enough to do; one that was paused gets more only when it has little left."""
        batches, buffer = (LOW_BATCHES if resuming else HIGH_BATCHES), unit.buffer
        crowded = self._fill.size >= BUFFERS_BYTES_MAX
        bytes_high = UNIT_BYTES_MIN if crowded else batches * BATCH_BYTES_MAX
        return buffer.records >= batches * unit.batch_rows or buffer.size >= bytes_high

    def wait_for_room(self, units: Collection[Unit], timeout_s: float) -> bool:
        """Wait until none of these units is full; whether that came true."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or not any(self.is_full(unit) for unit in units), timeout_s
            )

    def wait_until_still(self, units: Collection[Unit], timeout_s: float) -> bool:
        """Wait until nothing of these units is being applied; whether that came true."""
        with self._changed:
            return self._changed.wait_for(lambda: not any(u.applying for u in units), timeout_s)

    def to_rewind(self) -> list[Unit]:
        """Open units whose reading has to begin again, and of which nothing is being applied any more."""
        now = time.monotonic()
        with self._changed:
            return [
                unit
                for unit in self.units
                if unit.open and unit.rewinding and not unit.applying and unit.not_before <= now
            ]

    def rewind(self, unit: Unit) -> None:
        """Forget what was read of a unit."""
        with self._changed:
            self._rewind(unit)

    def _rewind(self, unit: Unit) -> None:
        unit.turn += 1
        unit.pending.clear()
        unit.rewinding = True
        self._changed.notify_all()

    def next(self) -> Task | None:
        """The next task for a lane, waiting for one; None once the schedule is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                task = self._first(now, self._ready) or self._first(now, self._ahead)
                if task is not None:
                    return task
                times = (at for u in self._order for at in (u.not_before, u.lingers_until))
                later = [at - now for at in times if at > now]
                self._changed.wait(min(later, default=None))
            return None

    def _first(self, now: float, choose: Callable[[Unit, float], Task | None]) -> Task | None:
        for _ in range(len(self._order)):
            self._order.rotate(-1)
            task = choose(self._order[-1], now)
            if task is not None:
                return task
        return None

    def _ready(self, unit: Unit, now: float) -> Task | None:
        """What an idle unit has to do: a chore and a batch in turn, so that neither keeps the other from going on."""
        if unit.applying or unit.not_before > now:
            return None
        batch = self._next_batch(unit, now)
        if unit.chores and (batch is None or not unit.did_chore):
            unit.applying = unit.did_chore = True
            return Task(job=Job.CHORE, unit=unit, chore=unit.chores.pop(next(iter(unit.chores))))
        if batch is None:
            return None
        unit.applying, unit.did_chore = True, False
        return Task(job=Job.APPLY, unit=unit, batch=batch)

    def _next_batch(self, unit: Unit, now: float) -> Batch | None:
        if not unit.open or unit.rewinding or self._lingers(unit, now):
            return None
        batch = unit.pending[0] if unit.pending else self._take(unit)
        return None if batch is None or batch.decoding else batch

    def _ahead(self, unit: Unit, now: float) -> Task | None:
        """What can be prepared of a unit that is being applied."""
        busy = unit.applying and unit.open and not unit.rewinding and unit.not_before <= now
        if not busy or not 0 < len(unit.pending) < DEPTH:
            return None
        batch = self._take(unit)
        if batch is None:
            return None
        batch.decoding = True
        return Task(job=Job.DECODE, unit=unit, batch=batch)

    def _take(self, unit: Unit) -> Batch | None:
        load = unit.buffer.take(unit.batch_rows, BATCH_BYTES_MAX)
        if load is None:
            return None
        batch = Batch(unit=unit, load=load, turn=unit.turn)
        unit.pending.append(batch)
        self._changed.notify_all()
        return batch

    def decoded(self, batch: Batch, work: Work | None) -> None:
        """A batch was decoded ahead; without work it could not be, which whoever applies it will find out."""
        with self._changed:
            if work is not None:
                batch.hold(work)
            batch.decoding = False
            self._changed.notify_all()

    def applied(self, batch: Batch, seconds: float) -> None:
        """A batch is committed, after so long."""
        with self._changed:
            self.durations.add(seconds)
            unit = batch.unit
            unit.applying = False
            unit.attempts = 0
            unit.applied_rows += batch.load.records
            if batch.turn == unit.turn:
                unit.pending.remove(batch)
                unit.committed.update({s.partition: s.next for s in batch.load.stretches})
            unit.lingers_until = time.monotonic() + LINGER_S
            self._changed.notify_all()

    def is_busy(self) -> bool:
        """Whether some unit has a backlog."""
        return any(unit.open and unit.buffered_rows >= BUSY_RECORDS for unit in self.units)

    def _lingers(self, unit: Unit, now: float) -> bool:
        few = unit.lingers_until > now and 0 < unit.buffered_rows < FEW_RECORDS
        return few and self.is_busy()

    def rest(self, unit: Unit) -> None:
        """A chore is done."""
        with self._changed:
            unit.applying = False
            unit.attempts = 0
            self._changed.notify_all()

    def postpone(self, unit: Unit) -> float:
        """Try what a unit was at again after a while; each time later, and never all at once.

        Returns:
            The delay in seconds.
        """
        with self._changed:
            longest = min(DELAY_FIRST_S * 2.0**unit.attempts, DELAY_MAX_S)
            delay = longest * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads attempts
            unit.attempts += 1
            unit.not_before = time.monotonic() + delay
            unit.applying = False
            self._changed.notify_all()
            return delay

    def put_off(self, unit: Unit, chore: str, what: Chore) -> None:
        """Have a lane do something for a unit between two batches; once, however often it is asked for."""
        with self._changed:
            unit.chores.setdefault(chore, what)
            self._changed.notify_all()

    def limit(self, unit: Unit, limits: Mapping[int, int]) -> None:
        """Read partitions of a unit up to these offsets only; where they change, reading begins again."""
        with self._changed:
            if unit.buffer.limits != limits:
                unit.buffer.limits = dict(limits)
                self._rewind(unit)

    def set_open(self, unit: Unit, *, open_: bool) -> None:
        """Let batches of a unit be applied, or not."""
        with self._changed:
            if unit.open and not open_:
                self._rewind(unit)
            unit.open = open_
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Something went wrong that no unit is to blame for: the worker ends."""
        with self._changed:
            self.failure = self.failure or error
            self._changed.notify_all()

    def close(self) -> None:
        """Give out no more tasks."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _shared(
    topic: str, entities: tuple[str, ...], batch_rows: int, count: int, fill: Fill
) -> list[Unit]:
    rows = max(1, batch_rows // count)
    return [
        Unit(topic=topic, entities=entities, buffer=Buffer(topic, fill), batch_rows=rows)
        for _ in range(count)
    ]
