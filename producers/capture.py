"""The capture of one pipeline, for as long as it is wanted."""

import threading
import time
from dataclasses import replace

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential
from tenacity.nap import sleep_using_event

from producers.attempt import Attempt
from producers.progress import CaptureProgress
from producers.settings import CaptureSettings
from schemas.errors import BrokerLostError, Disposition, FolderChangedError, UnderstudyError

# How long a source or a Kafka that is away is tried again without one attempt that got anywhere.
PATIENCE_S = 600.0
RETRY_WAIT_MAX_S = 5.0
START_PATIENCE_S = 10.0

_log = structlog.get_logger()


class Capture:
    """Snapshots and tails the tables of one pipeline into Kafka."""

    def __init__(self, settings: CaptureSettings) -> None:
        """Prepare; nothing is connected yet."""
        self._settings = settings
        self._attempt: Attempt | None = None
        self._stopped = False
        self._restarts = 0
        self._last_error = ""
        self._reached_at: float | None = None

    def progress(self) -> CaptureProgress:
        """What can be said of it now; may be called from any thread."""
        current = self._attempt.progress if self._attempt else CaptureProgress()
        if self._stopped:
            current = replace(current, phase="stopped")
        return replace(current, restarts=self._restarts, last_error=self._last_error)

    def prepare(self) -> int:
        """Make slot, publication and topics ahead of time; does nothing where they are as they must be.

        Returns:
            LSN from which everything will be captured.

        Raises:
            UnderstudyError: The source or Kafka refuses.
        """
        return Attempt(self._settings, threading.Event()).prepare()

    def run(self, stop: threading.Event) -> None:
        """Capture until `stop` is set; begin again from the slot where a connection was lost.

        Raises:
            UnderstudyError: It cannot go on; the first connection that fails counts as that too.
        """
        retrying = Retrying(
            retry=retry_if_exception(_worth_another_attempt),
            stop=self._given_up,
            wait=wait_random_exponential(multiplier=0.5, max=RETRY_WAIT_MAX_S),
            sleep=sleep_using_event(stop),
            before_sleep=self._note,
            reraise=True,
        )
        try:
            retrying(self._run_once, stop)
        finally:
            self._stopped = True

    def _run_once(self, stop: threading.Event) -> None:
        if stop.is_set():
            return
        began_lsn = self._attempt.began_lsn if self._attempt else None
        self._attempt = Attempt(self._settings, stop, began_lsn)
        try:
            self._attempt.run()
        except UnderstudyError as error:
            if not (stop.is_set() and error.disposition is Disposition.RETRY):
                raise  # What fails because we stop is no failure.
        finally:
            if self._attempt.established:
                self._reached_at = time.monotonic()

    def _given_up(self, state: RetryCallState) -> bool:
        """Whether nothing was reached for too long; at the start, at once, but for brokers that make topics known."""
        if self._reached_at is not None:
            return time.monotonic() - self._reached_at > PATIENCE_S
        error = state.outcome.exception() if state.outcome else None
        waited_s = state.seconds_since_start or 0.0
        return not isinstance(error, BrokerLostError) or waited_s > START_PATIENCE_S

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._restarts += 1
        self._last_error = str(error)
        _log.warning("capture begins again", reason=self._last_error)


def _worth_another_attempt(error: BaseException) -> bool:
    """Of ours; a folder that was changed is read by a new process."""
    passes = isinstance(error, UnderstudyError) and error.disposition is Disposition.RETRY
    return passes and not isinstance(error, FolderChangedError)
