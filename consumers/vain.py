"""Which rows were tried in vain, so that they are not tried again while nothing has moved that they could wait for."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

# After so long they are tried all the same: what they wait for may have been mended by hand.
FORGOTTEN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    keys: frozenset[str]
    applied: int
    at: float

    def is_again(self, last: "_Attempt") -> bool:
        """Whether it would be that one once more."""
        same = (self.keys, self.applied) == (last.keys, last.applied)
        return same and self.at - last.at < FORGOTTEN_S


class Vain:
    """The last attempt of each entity in one worker; for one lane at a time each."""

    def __init__(self) -> None:
        """Nothing has been tried."""
        self._last: dict[tuple[str, str], _Attempt] = {}

    def is_worth_it(self, entity: str, what: str, keys: Iterable[str], applied: int) -> bool:
        """Whether these rows are to be tried now; if so, that is remembered.

        Args:
            entity: Whose rows.
            what: Rows for another reason are remembered for themselves.
            keys: All legacy keys that could be tried.
            applied: How far the entities are that these rows could wait for, read before the attempt: any other figure
                than last time means that one of them has moved.
        """
        attempt = _Attempt(keys=frozenset(keys), applied=applied, at=time.monotonic())
        last = self._last.get((entity, what))
        if last is not None and attempt.is_again(last):
            return False
        if last is not None and not last.keys <= attempt.keys:
            self._last.clear()  # Some went in: what waits for them may go in as well.
        self._last[entity, what] = attempt
        return bool(attempt.keys)

    def forget(self) -> None:
        """Try everything again."""
        self._last.clear()
