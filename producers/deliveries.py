"""Which records Kafka has acknowledged, from one report per batch and partition; pure.

librdkafka keeps the records of a partition in order, and (`enable.gapless.guarantee`) stops for
good rather than leave one out. So the report for the last record of a batch stands for all before
it in that partition, and its offset tells where they end. A `Cut` is a line drawn through all
partitions; it is reached when each of them has acknowledged what was sent before the line.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.errors import InvariantError
from schemas.positions import Ends

Place = tuple[str, int]


@dataclass(slots=True)
class _Partition:
    """What is known of one partition; counts are of records since the start."""

    end: int
    sent: int = 0
    acknowledged: int = 0
    cuts: "deque[tuple[int, _Cut]]" = field(default_factory=deque)


@dataclass(slots=True)
class _Cut:
    reached: Callable[[Ends], None]
    open: int = 0
    ends: Ends = field(default_factory=dict)


class Deliveries:
    """Counts what was sent and acknowledged, per partition. The caller keeps threads apart."""

    def __init__(self, ends: Ends) -> None:
        """Begin with the end offsets that Kafka reports."""
        self._partitions = {
            (topic, partition): _Partition(end=end)
            for topic, partitions in ends.items()
            for partition, end in partitions.items()
        }
        self._in_flight: set[Place] = set()

    def sent(self, place: Place, count: int) -> int:
        """Note records handed to librdkafka.

        Returns:
            The number of the last of them, to be named in its report.
        """
        partition = self._partitions[place]
        partition.sent += count
        self._in_flight.add(place)
        return partition.sent

    def acknowledged(self, place: Place, number: int, offset: int) -> list[Callable[[], None]]:
        """Take a report: record `number` of a partition is stored at `offset`.

        Returns:
            What to call now, in order: the cuts that this report completes.

        Raises:
            InvariantError: Kafka has stored fewer records than it acknowledged.
        """
        partition = self._partitions[place]
        if offset + 1 - partition.end < number - partition.acknowledged:
            topic, index = place
            raise InvariantError("Kafka lost records that it took", topic=topic, partition=index)
        partition.end, partition.acknowledged = offset + 1, number
        if number == partition.sent:
            self._in_flight.discard(place)
        reached = []
        while partition.cuts and partition.cuts[0][0] <= number:
            _, cut = partition.cuts.popleft()
            if self._close(cut, place):
                reached.append(_call(cut))
        return reached

    def cut(self, reached: Callable[[Ends], None]) -> list[Callable[[], None]]:
        """Draw a line after everything sent so far.

        Args:
            reached: Called with the end offset of every partition at the line.

        Returns:
            What to call now: `reached`, if nothing is in flight.
        """
        cut = _Cut(reached, open=len(self._in_flight))
        for place, partition in self._partitions.items():
            if place in self._in_flight:
                partition.cuts.append((partition.sent, cut))
            else:
                cut.ends.setdefault(place[0], {})[place[1]] = partition.end
        return [] if cut.open else [_call(cut)]

    def _close(self, cut: _Cut, place: Place) -> bool:
        cut.open -= 1
        cut.ends.setdefault(place[0], {})[place[1]] = self._partitions[place].end
        return cut.open == 0


def _call(cut: _Cut) -> Callable[[], None]:
    return lambda: cut.reached(cut.ends)
