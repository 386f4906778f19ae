"""The sessions of the way back with both databases: an error is said of the server that it came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg

from consumers.refusal import is_retried
from consumers.target import sentence
from schemas import session
from schemas.errors import (
    SourceError,
    SourceLostError,
    TargetError,
    TargetLostError,
    UnderstudyError,
)

LOCK_TIMEOUT = "5s"
IDLE_IN_TRANSACTION = "15s"
_SETTINGS = {
    "lock_timeout": LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
    "jit": "off",
    "enable_seqscan": "off",
}
_REMEDY = (
    "Mend the cause on that server, its log says more, and start understudy reverse again: "
    "it goes on where it stood, and nothing is lost."
)


class Server(psycopg.Connection[tuple[object, ...]]):
    """A session that knows which errors were its own: work with one server is done inside that with the other.

    Attributes:
        failure: The newest error of this server.
    """

    failure: psycopg.Error | None = None

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Whatever the server answers comes through here."""
        try:
            return super().wait(*args, **kwargs)
        except psycopg.Error as error:
            self.failure = error
            raise

    @classmethod
    def reach(cls, dsn: str) -> Self:
        """A session in autocommit."""
        parameters = session.parameters("way back", **_SETTINGS)
        return cls.connect(dsn, autocommit=True, **parameters)  # type: ignore[arg-type]


@contextmanager
def both(source_dsn: str, target_dsn: str) -> Iterator[tuple[Server, Server]]:
    """A session with the legacy database, and one with the target; their errors as ours.

    Raises:
        SourceLostError, TargetLostError: That server is away, or ended the session.
        SourceError, TargetError: It refuses.
    """
    target: Server | None = None
    try:
        with Server.reach(source_dsn) as legacy:
            try:
                target = Server.reach(target_dsn)
            except psycopg.Error as error:
                raise _of_target(error, target_dsn) from error
            with target:
                yield legacy, target
    except psycopg.Error as error:
        if target is not None and error is target.failure:
            raise _of_target(error, target_dsn) from error
        kind = SourceLostError if is_retried(error) else SourceError
        raise _ours(kind, error, source_dsn) from error


def _of_target(error: psycopg.Error, dsn: str) -> UnderstudyError:
    return _ours(TargetLostError if is_retried(error) else TargetError, error, dsn)


def _ours(kind: type[UnderstudyError], error: psycopg.Error, dsn: str) -> UnderstudyError:
    return kind(sentence(error), server=session.redacted(dsn), remedy=_REMEDY)
