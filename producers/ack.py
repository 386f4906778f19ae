"""Up to where the source may forget: the rule of acknowledgement; pure.

Only the end LSN of the last transaction all of whose records Kafka has acknowledged. A row that
still has to be read again holds back its transaction and all later ones.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Debt:
    lsn: int
    open: int = 1


class AckTracker:
    """Debts by LSN, opened in the order of the stream and settled in any order."""

    def __init__(self, lsn: int) -> None:
        """Begin where everything before `lsn` is settled."""
        self._lsn = lsn
        self._debts: deque[_Debt] = deque()

    @property
    def lsn(self) -> int:
        """Everything up to here is settled; it never goes back."""
        return self._lsn

    def owe(self, lsn: int) -> None:
        """Something up to `lsn` is under way; call in the order of the stream."""
        if self._debts and self._debts[-1].lsn == lsn:
            self._debts[-1].open += 1
        else:
            self._debts.append(_Debt(lsn))

    def settle(self, lsn: int) -> None:
        """One debt of that LSN is paid."""
        next(debt for debt in self._debts if debt.lsn == lsn).open -= 1
        while self._debts and self._debts[0].open == 0:
            self._lsn = max(self._lsn, self._debts.popleft().lsn)

    def idle(self, lsn: int) -> None:
        """The server has nothing more up to `lsn`; call only between transactions."""
        if not self._debts:
            self._lsn = max(self._lsn, lsn)
