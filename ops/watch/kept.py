"""A session that stays from one look to the next: what a server has to plan is planned once."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from ops import databases
from ops.databases import Connection, Failure

# Then it is opened anew: a name may lead to another server by now, and a session's memory grows.
LIFETIME_S = 600.0
Answer = TypeVar("Answer")


class Kept:
    """Asks one server, one question at a time."""

    def __init__(self, dsn: str, application: str, failure: Failure) -> None:
        """Nothing is opened before the first question."""
        self._dsn, self._application, self._failure = dsn, application, failure
        self._connection: Connection | None = None
        self._opened_at = 0.0
        self._turn = threading.Lock()

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Have a question answered that changes nothing; asked again where the session broke since the last one.

        Raises:
            SourceError, TargetError: The server cannot be reached, or refuses.
        """
        with self._turn, databases.errors_of(self._failure):
            if time.monotonic() - self._opened_at > LIFETIME_S:
                self._close()
            if (connection := self._connection) is not None:
                try:
                    return question(connection)
                except psycopg.OperationalError:
                    if not connection.closed:
                        raise
            return question(self._open())

    def close(self) -> None:
        """Let go of the server, until the next question."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        self._connection = databases.connect(self._dsn, self._application, self._failure)
        self._opened_at = time.monotonic()
        return self._connection
