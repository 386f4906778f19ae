"""What the charts show: the last half hour, a point every few seconds. Pure."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.serve.overview import Overview
from ops.serve.problems import budget

POINT_S = 4.0
POINTS_MAX = 450  # Half an hour; a page holds it for every entity.

_COLUMNS = ("at_s", "retained_bytes", "budget_bytes", "captured_per_s", "applied_per_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One moment.

    Attributes:
        at_s: Since 1970.
        lag_ms: By entity.
        captured_per_s: Records that went into Kafka in a second since the point before; None at the first.
        applied_per_s: Records that went into the target.
    """

    at_s: float
    lag_ms: dict[str, int | None]
    retained_bytes: int | None
    budget_bytes: int | None
    captured_per_s: float | None
    applied_per_s: float | None


@dataclass(slots=True)
class History:
    """Takes overviews, the newest last."""

    _points: deque[Point] = field(default_factory=lambda: deque(maxlen=POINTS_MAX))
    _before: tuple[float, int | None, int | None] | None = None

    def take(self, overview: Overview) -> None:
        """Take one more, unless the last point is too young."""
        at_s = overview.at_ms / 1000
        if self._points and at_s - self._points[-1].at_s < POINT_S:
            return
        status = overview.status
        stored, applied = status.stored, status.applied
        slot = status.source.slot if status.source else None
        before_s, before_stored, before_applied = self._before or (at_s, None, None)
        self._before = (at_s, stored, applied)
        self._points.append(
            Point(
                at_s=at_s,
                lag_ms={entity.name: entity.lag_ms for entity in status.entities},
                retained_bytes=slot.retained_bytes if slot else None,
                budget_bytes=budget(slot) if slot else None,
                captured_per_s=_per_second(stored, before_stored, at_s - before_s),
                applied_per_s=_per_second(applied, before_applied, at_s - before_s),
            )
        )

    def as_json(self) -> dict[str, Any]:
        """In columns, as the charts want it."""
        points = list(self._points)
        names = sorted({name for point in points for name in point.lag_ms})
        return {
            "lag_ms": {name: [point.lag_ms.get(name) for point in points] for name in names},
            **{name: [getattr(point, name) for point in points] for name in _COLUMNS},
        }

    def newest_as_json(self) -> dict[str, Any]:
        """The last point."""
        return asdict(self._points[-1])


def _per_second(now: int | None, before: int | None, seconds: float) -> float | None:
    if now is None or before is None or seconds <= 0:
        return None
    return round(max(0, now - before) / seconds, 1)
