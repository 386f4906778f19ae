"""Writes into the legacy clinic as its users do, while it is being migrated.

python -m examples.clinic.writer [--source DSN] --seed 1 --rate 50 [--seconds 30]

Without --seconds it writes until SIGTERM or Ctrl-C. The same seed on the same data writes the same transactions.
"""

import argparse
import math
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import psycopg

from examples.clinic.changes import MODULES, Change, children, counted, weights
from examples.clinic.changes.foundation import advance_order
from examples.clinic.hand import Hand, NothingToChange
from examples.clinic.load import servers
from schemas.errors import SourceError, UnderstudyError

BEHIND_SECONDS_MAX = 1.0  # A writer that falls further behind does not catch up in a burst.

Manner = Callable[[psycopg.Connection, Hand, Change], None]


class Writer:
    """Runs seeded transactions at a steady rate, one after the other.

    Attributes:
        counts: Transactions so far, by kind.
    """

    def __init__(
        self, dsn: str, *, seed: int, rate: float, domains: Sequence[str] = tuple(MODULES)
    ) -> None:
        """Prepare a writer; nothing is opened yet.

        Args:
            dsn: The legacy database.
            seed: Of all choices.
            rate: Transactions per second.
            domains: Whose tables are written to.
        """
        self._domains = domains
        self._weights = weights(domains)
        self._dsn = dsn
        self._seed = seed
        self._pause = 1 / rate
        self.counts: Counter[str] = Counter()

    def run(
        self,
        stop: threading.Event,
        *,
        seconds: float = math.inf,
        transactions: float = math.inf,
    ) -> Counter[str]:
        """Write until the event is set, the time is over, or so many transactions are done.

        In the end what was added to the tables that are counted is taken away again.

        Returns:
            Transactions by kind.

        Raises:
            SourceError: The server refused.
        """
        end = time.monotonic() + seconds
        try:
            with psycopg.connect(self._dsn, autocommit=True, client_encoding="UTF8") as connection:
                hand = Hand(connection, self._seed, children())
                for _ in self._beats(stop, end):
                    if self.counts.total() >= transactions:
                        break
                    self.counts[self._transaction(connection, hand)] += 1
                for table in counted(self._domains):
                    hand.take_back(table)
        except psycopg.Error as error:
            raise SourceError(str(error).partition("\n")[0]) from error
        return self.counts

    def _beats(self, stop: threading.Event, end: float) -> Iterator[None]:
        """Yield at the given rate until the event is set or the end has come."""
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())) and time.monotonic() < end:
            yield
            due = max(due + self._pause, time.monotonic() - BEHIND_SECONDS_MAX)

    def _transaction(self, connection: psycopg.Connection, hand: Hand) -> str:
        (change,) = hand.random.choices(tuple(self._weights), weights=tuple(self._weights.values()))
        (manner,) = hand.random.choices(tuple(MANNERS), weights=tuple(MANNERS.values()))
        try:
            manner(connection, hand, change)
        except NothingToChange:
            return "nothing to change"
        return change.__name__ if manner is committed else manner.__name__


def committed(connection: psycopg.Connection, hand: Hand, change: Change) -> None:
    """One transaction."""
    with connection.transaction():
        change(hand)


def rolled_back(connection: psycopg.Connection, hand: Hand, change: Change) -> None:
    """One transaction that never was."""
    with connection.transaction(force_rollback=True):
        change(hand)


def with_savepoint(connection: psycopg.Connection, hand: Hand, change: Change) -> None:
    """One transaction that does the change twice, and takes the second time back."""
    with connection.transaction():
        change(hand)
        with connection.transaction(force_rollback=True):
            change(hand)
            advance_order(hand)
        advance_order(hand)


def by_statement(_connection: psycopg.Connection, hand: Hand, change: Change) -> None:
    """Every statement commits: keys are free for a moment, children wait for their parents."""
    change(hand)


# How often a change is run in each manner, out of the sum.
MANNERS: dict[Manner, int] = {committed: 80, rolled_back: 4, with_savepoint: 6, by_statement: 10}


def main() -> int:
    """Run from the command line.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m examples.clinic.writer", description=__doc__)
    parser.add_argument(
        "--source",
        metavar="DSN",
        help="the legacy clinic, if not the one that understudy.toml names",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=50.0, help="transactions per second")
    parser.add_argument("--seconds", type=float, default=math.inf, help="default: until SIGTERM")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        source = options.source or servers().source_dsn
        writer = Writer(source, seed=options.seed, rate=options.rate)
        counts = writer.run(stop, seconds=options.seconds)
    except UnderstudyError as error:
        sys.stderr.write(f"{error}\n{error.advice or ''}".rstrip() + "\n")
        return error.exit_code
    for kind, times in counts.most_common():
        sys.stderr.write(f"{kind:<20} {times:>8,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
