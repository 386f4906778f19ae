"""Remembers how the parts of a pipeline stood, and says of a status how they move. Pure."""

from dataclasses import replace

from ops.watch.movement import Movement, Observation, Pace, judge, pace
from ops.watch.status import EntityStatus, Status

# Long enough for several batches of each entity, short enough to see a change.
WINDOW_S = 60.0
# A heartbeat is due after one interval, and told after a way of its own: no lag of the capture below this many.
HEARTBEATS_DUE = 3
CAPTURE, STORED, ALL = "capture", "stored", "all"


class Windows:
    """The observations of the last minute, by part; at least two, however far they lie apart."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._seen: dict[str, list[Observation]] = {}

    def judged(self, status: Status, at_s: float) -> Status:
        """A status with the paces of its parts.

        Args:
            status: What was seen.
            at_s: When, on a clock that only goes forward.
        """
        entities = tuple(
            replace(entity, pace=self._of_entity(entity, status, at_s))
            for entity in status.entities
        )
        return replace(
            status,
            entities=entities,
            capture_pace=self._of_capture(status, at_s),
            apply_pace=self._of_all(status, at_s),
        )

    def _add(self, part: str, seen: Observation) -> list[Observation]:
        window = self._seen.setdefault(part, [])
        if window and seen.done < window[-1].done:
            window.clear()  # A replay has begun from an earlier point.
        window.append(seen)
        while len(window) > 2 and window[0].at_s < seen.at_s - WINDOW_S:  # noqa: PLR2004 - a pair
            del window[0]
        return window

    def _of_entity(self, entity: EntityStatus, status: Status, at_s: float) -> Pace | None:
        part = f"entity {entity.name}"
        if entity.lag_records is None or entity.remaining_records is None or entity.is_idle:
            self._seen.pop(part, None)
            return None
        window = self._add(
            part,
            Observation(
                at_s=at_s,
                done=entity.applied,
                end=entity.applied + entity.lag_records,
                expected=entity.applied + entity.remaining_records,
                is_served=bool(status.workers) and entity.is_consumed,
                still_s=entity.still_ms / 1000,
            ),
        )
        if entity.waits_for and judge(window) is not Movement.STOP:
            self._seen.pop(part)  # It is not its turn.
            return Pace(movement=Movement.OK, per_s=0.0, eta_s=None)
        return pace(window)

    def _of_capture(self, status: Status, at_s: float) -> Pace | None:
        """In milliseconds of the source's time; it moves too where only records come, of one large transaction."""
        source, marker_ms = status.source, status.marker_ms
        stored = self._of_stored(status, at_s)
        if source is None or source.slot is None or marker_ms is None or status.is_over:
            self._seen.pop(CAPTURE, None)
            return None
        due_ms = HEARTBEATS_DUE * status.heartbeat_ms
        lag_ms = status.capture_lag_ms or 0
        end = marker_ms + max(0, lag_ms - due_ms)
        window = self._add(
            CAPTURE,
            Observation(
                at_s=at_s,
                done=marker_ms,
                end=end,
                expected=end,
                is_served=source.is_captured,
            ),
        )
        found = replace(pace(window), per_s=stored)
        moves = found.movement is Movement.STALL and bool(stored)
        return replace(found, movement=Movement.WARN) if moves else found

    def _of_stored(self, status: Status, at_s: float) -> float | None:
        """Records that come into Kafka in a second."""
        if status.stored is None:
            return None
        seen = Observation(
            at_s=at_s, done=status.stored, end=status.stored, expected=0, is_served=True
        )
        return pace(self._add(STORED, seen)).per_s

    def _of_all(self, status: Status, at_s: float) -> Pace | None:
        """Of all entities together; its movement is that of the one that moves worst."""
        counted = [entity for entity in status.entities if entity.remaining_records is not None]
        if not counted:
            self._seen.pop(ALL, None)
            return None
        done = sum(entity.applied for entity in counted)
        expected = done + sum(entity.remaining_records or 0 for entity in counted)
        seen = Observation(at_s=at_s, done=done, end=expected, expected=expected, is_served=True)
        return pace(self._add(ALL, seen))
