"""A rehearsal: everything that the write pause consists of is done and timed, but for the fence and the switch.

Nobody who writes is touched, and nothing of the target is changed: the parts of the drain only look. So it is done on
the real pair of databases, under the real load; a copy of the target would have neither.
"""

from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ops.cutover import drain, gates
from ops.cutover.changed import compiled, verify_changed
from ops.cutover.fence import GRACE_S
from ops.cutover.gate import Gate, judge
from ops.cutover.gates import Sight
from ops.cutover.laps import Laps
from ops.cutover.markers import Markers, quick_heartbeats
from ops.cutover.order import Order, sight
from producers.source import source_errors

VERIFY_S = 60.0  # Of what changed before the rehearsal, which no pause would wait for.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a rehearsal found.

    Attributes:
        gates: As they stand.
        seconds: Of each part of the write pause; empty where the gates do not let it be tried.
        writing: Sessions that had an open transaction on a captured table.
    """

    gates: tuple[Gate, ...]
    seconds: dict[str, float]
    writing: int

    @property
    def pause_s(self) -> float | None:
        """The write pause to be expected: open transactions are waited for before they are ended."""
        if not self.seconds:
            return None
        return sum(self.seconds.values()) + (GRACE_S if self.writing else 0.0)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "gates": [gate.as_json() for gate in self.gates],
            "seconds": self.seconds,
            "writing": self.writing,
            "expected_pause_s": self.pause_s,
        }


def rehearse(order: Order) -> Rehearsal:
    """Rehearse the write pause.

    Raises:
        NotReadyError: A part of it takes longer than the pause may.
        MismatchError: What changed since the last verification differs.
    """
    with sight(order) as seen:
        found = judge(gates.look(seen), order.accepted)
        with source_errors():
            writing = seen.fence.writing()
        # Without capture, workers and a verification to go on from, there is nothing to be timed.
        needed = ("pipeline", "tail", "verified")
        stands = all(gate.met for gate in found if gate.name in needed)
        seconds = _drained(order, seen) if stands else {}
    return Rehearsal(gates=tuple(found), seconds=seconds, writing=writing)


def _drained(order: Order, seen: Sight) -> dict[str, float]:
    order.say("verifying what changed since the last verification, as before the fence")
    plans = compiled(seen)
    verify_changed(seen, plans, VERIFY_S)
    order.say("draining, as after the fence; nobody is shut out")
    with closing(Markers(seen.migration, seen.at)) as markers, quick_heartbeats(seen.at.source_dsn):
        laps, deadline = Laps(), monotonic() + order.timeout_s
        first = markers.place(seen.source, "rehearsal-1", deadline)
        laps.end("marker")
        drain.await_applied(seen.target, seen.migration, first, deadline)
        laps.end("applied")
        verify_changed(seen, plans, max(1.0, deadline - monotonic()))
        laps.end("verified")
        markers.place(seen.source, "rehearsal-2", deadline)
        laps.end("second marker")
    return laps.seconds
