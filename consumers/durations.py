"""How long batches take, as counts by length."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

# Seconds: from a single row to a batch that waits for a lock.
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Durations:
    """Durations so far, `counts` by the first bound that they do not exceed; the last has no bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one; the caller sees to it that nobody else does at the same moment."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """How many took at most so long, by bound, as Prometheus' histograms have it."""
        return list(self._cumulative())

    def _cumulative(self) -> Iterator[tuple[str, float]]:
        total = 0
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), self.counts, strict=True):
            total += count
            yield bound, total
