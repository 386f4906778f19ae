"""Acknowledges to the source what Kafka has acknowledged to us, through a recorded position.

The `position` record is acknowledged by Kafka before the slot is advanced, always: so a slot that
is ahead of the recorded position was advanced by somebody else.
"""

import threading
import time
from dataclasses import replace

from producers.ack import AckTracker
from producers.positions import PositionWriter
from producers.stream import Stream
from producers.topic_writer import TopicWriter
from schemas import failpoint
from schemas.positions import Ends, Position

# How often positions are recorded: while changes flow, and while only keepalives come.
RECORD_INTERVAL_S = 1.0
IDLE_INTERVAL_S = 10.0


class Acknowledger:
    """Debts of the tail, positions and feedback; used from the tail's and the writer's threads."""

    def __init__(self, writer: TopicWriter, positions: PositionWriter, position: Position) -> None:
        """Begin at a recorded position."""
        self._writer = writer
        self._positions = positions
        self._position = position
        self._tracker = AckTracker(position.lsn)
        self._ends = position.ends
        self._lock = threading.Lock()
        self._recorded_at = 0.0

    @property
    def lsn(self) -> int:
        """Everything up to here is acknowledged by Kafka."""
        return self._tracker.lsn

    def owe(self, lsn: int) -> None:
        """Hold back acknowledgement at `lsn` until it is settled."""
        with self._lock:
            self._tracker.owe(lsn)

    def settle(self, lsn: int) -> None:
        """Let go what `owe` held back."""
        with self._lock:
            self._tracker.settle(lsn)

    def sent(self, end_lsn: int) -> None:
        """All records of transactions up to `end_lsn` have been sent."""
        self.owe(end_lsn)
        self._writer.cut(lambda ends: self._acknowledged(end_lsn, ends))

    def idle(self, lsn: int) -> None:
        """The source has nothing more up to `lsn`, and everything was sent."""
        with self._lock:
            self._tracker.idle(lsn)

    def record(self, stream: Stream, *, now: bool = False) -> None:
        """Record the position and advance the slot, if there is reason to.

        Args:
            stream: Of the slot.
            now: Without waiting for the next interval.
        """
        with self._lock:
            position = replace(self._position, lsn=self._tracker.lsn, ends=self._ends)
            moved = self._ends is not self._position.ends
        waited = time.monotonic() - self._recorded_at
        due = now or waited >= (RECORD_INTERVAL_S if moved else IDLE_INTERVAL_S)
        if position.lsn <= self._position.lsn or not due:
            return
        self._position, self._recorded_at = position, time.monotonic()
        self._positions.send(position, lambda: _confirm(stream, position.lsn))

    def _acknowledged(self, end_lsn: int, ends: Ends) -> None:
        with self._lock:
            self._ends = ends
            self._tracker.settle(end_lsn)


def _confirm(stream: Stream, lsn: int) -> None:
    failpoint.reach("tail.acked_not_fed_back")
    stream.confirm(lsn)
    failpoint.reach("tail.feedback_sent")
