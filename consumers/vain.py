"""Which rows were tried in vain, so that they are not tried again while nothing has moved that they could wait for."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

# After so long they are tried all the same: what they wait for may have been mended by hand.
FORGOTTEN_S = 10.0


class Moved(NamedTuple):
    """What differs once something has moved that rows of an entity could wait for.

    Attributes:
        applied: How far its relatives are: rises with each record, truncation and end of a resync.
        waiting: Rows of its relatives that wait: fewer once some go in that had waited.
    """

    applied: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    keys: frozenset[str]
    moved: Moved
    at: float


class Vain:
    """What each entity has tried in one worker since something has moved; for one lane at a time each."""

    def __init__(self) -> None:
        """Nothing has been tried."""
        self._last: dict[tuple[str, str], _Attempt] = {}

    def is_worth_it(self, entity: str, what: str, keys: Iterable[str], moved: Moved) -> bool:
        """Whether some of these rows were not tried in vain yet.

        Args:
            entity: Whose rows.
            what: Rows for another reason are remembered for themselves.
            keys: Legacy keys that could be tried.
            moved: Read before the attempt.
        """
        return not frozenset(keys) <= self._tried(entity, what, moved)

    def remember(self, entity: str, what: str, keys: Iterable[str], moved: Moved) -> None:
        """These rows were tried, in a transaction that is committed; other arguments as before."""
        keys = self._tried(entity, what, moved).union(keys)
        self._last[entity, what] = _Attempt(keys=keys, moved=moved, at=time.monotonic())

    def forget(self) -> None:
        """Try everything again."""
        self._last.clear()

    def _tried(self, entity: str, what: str, moved: Moved) -> frozenset[str]:
        last = self._last.get((entity, what))
        stands = last and last.moved == moved and time.monotonic() - last.at < FORGOTTEN_S
        return last.keys if last and stands else frozenset()
