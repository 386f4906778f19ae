"""Judges a part of the pipeline by how it moves, after Burrow's rules; pure.

A large backlog that shrinks is well, and a small one that nobody touches is not: so a sliding window of observations is
judged, and no threshold on the lag.
Source: github.com/linkedin/Burrow, wiki page "Consumer Lag Evaluation Rules".
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A part that does not move is stalled after so long: several batches of every entity have had their turn by then.
STILL_S = 30.0


class Movement(enum.StrEnum):
    """How a part moves, from the best to the worst.

    Attributes:
        OK: It is caught up, catches up, or has not been seen long enough.
        WARN: It moves, and falls behind.
        STALL: Somebody is at it, and it does not move though something waits.
        STOP: Nobody is at it.
    """

    OK = "ok"
    WARN = "warn"
    STALL = "stall"
    STOP = "stop"


ORDER = tuple(Movement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A part at one moment; `done`, `end` and `expected` are counted alike, for instance as records.

    Attributes:
        at_s: When, on a clock that only goes forward.
        done: What is done.
        end: What could be done by now.
        expected: What will have to be done, as far as is known; at least `end`.
        is_served: Whether somebody is at it.
        still_s: Since when something has been waiting untouched, by what others remember of the time before the window.
    """

    at_s: float
    done: int
    end: int
    expected: int
    is_served: bool
    still_s: float = 0.0

    @property
    def backlog(self) -> int:
        """What waits."""
        return max(0, self.end - self.done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a window says.

    Attributes:
        per_s: Done in a second; None after one observation.
        eta_s: Until all is done if both sides go on like this; None: not known, or never.
    """

    movement: Movement
    per_s: float | None
    eta_s: float | None


def pace(window: Sequence[Observation]) -> Pace:
    """All that is said of a window of at least one observation, the oldest first."""
    return Pace(movement=judge(window), per_s=per_second(window), eta_s=eta_s(window))


def judge(window: Sequence[Observation]) -> Movement:
    """How a part moves. Two observations suffice, and one where others remember what was before it.

    Nobody at it at one look between others is a worker that hands over to the next.
    """
    first, last = window[0], window[-1]
    if not any(seen.is_served for seen in window[-2:]):
        return Movement.STOP
    if last.backlog and last.still_s >= STILL_S:
        return Movement.STALL
    if not all(seen.backlog for seen in window):
        return Movement.OK
    done = last.done - first.done
    if not done:
        return Movement.STALL if last.at_s - first.at_s >= STILL_S else Movement.OK
    # Between two batches a backlog grows too: more waits now than was done in all this time.
    grows = all(before.backlog <= after.backlog for before, after in pairwise(window))
    return Movement.WARN if grows and last.backlog > done else Movement.OK


def per_second(window: Sequence[Observation]) -> float | None:
    """Done in a second, over the window."""
    first, last = window[0], window[-1]
    span_s = last.at_s - first.at_s
    return (last.done - first.done) / span_s if span_s > 0 else None


def eta_s(window: Sequence[Observation]) -> float | None:
    """Until all is done, at the pace of the window, and with as much coming in as in it."""
    first, last = window[0], window[-1]
    left = last.expected - last.done
    speed = per_second(window)
    if left <= 0:
        return 0.0
    if not speed:
        return None
    growth = (last.expected - first.expected) / (last.at_s - first.at_s)
    return left / (speed - growth) if speed > growth else None
