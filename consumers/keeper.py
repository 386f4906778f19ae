"""What comes by the clock, in a thread of its own: following the positions topic, and duties at their intervals."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog

from consumers.points import PointsReader
from consumers.refusal import is_retried
from consumers.schedule import Schedule
from consumers.target import Connection, Session, our_error, sentence
from schemas.errors import BrokerLostError

log = structlog.get_logger(__name__)

# The positions topic is waited for this long; no duty comes more often.
FOLLOW_S = 0.1
AFTER_ERROR_S = 1.0


@dataclass(slots=True, kw_only=True)
class Duty:
    """Something done again and again.

    Attributes:
        every_s: Seconds between two times, about.
        do: Gets the keeper's connection, outside of a transaction.
    """

    every_s: float
    do: Callable[[Connection], None]
    due_at: float = 0.0

    def see_to(self, connection: Connection, now: float) -> None:
        """Do it if it is time."""
        if now >= self.due_at:
            self.due_at = now + self.every_s
            self.do(connection)


class Keeper(threading.Thread):
    """Does duties until it is told to end."""

    def __init__(
        self, reader: PointsReader, session: Session, duties: Sequence[Duty], schedule: Schedule
    ) -> None:
        """Prepare the thread.

        Args:
            reader: Of the positions topic.
            session: On the target, for the duties.
            duties: In the order in which they are done.
            schedule: Told of an error that does not pass.
        """
        super().__init__(name="keeper", daemon=True)
        self._reader = reader
        self._session = session
        self._duties = duties
        self._schedule = schedule
        self._ending = threading.Event()

    def end(self) -> None:
        """Stop after what is being done."""
        self._ending.set()

    def run(self) -> None:
        """Do duties. An error that does not pass ends the worker."""
        try:
            while not self._ending.is_set():
                self._turn()
        except BaseException as error:  # noqa: BLE001 - handed to the worker's own thread
            self._schedule.fail(our_error(error) if isinstance(error, psycopg.Error) else error)
        finally:
            self._session.close()
            self._reader.close()

    def _turn(self) -> None:
        try:
            self._reader.follow(FOLLOW_S)
            for duty in self._duties:
                duty.see_to(self._session.connection(), time.monotonic())
        except (psycopg.Error, BrokerLostError) as error:
            if isinstance(error, psycopg.Error) and not is_retried(error):
                raise
            log.warning("trying again", reason=sentence(error))
            self._ending.wait(AFTER_ERROR_S)
