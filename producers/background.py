"""A thread whose failure is not lost: the one who waits for it raises it."""

import threading
from collections.abc import Callable

from schemas.errors import InvariantError, UnderstudyError

JOIN_WAIT_S = 5.0


class Background:
    """Runs a function in a thread of its own."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        """Start; `work` returns when its owner tells it to."""
        self._work = work
        self._failure: UnderstudyError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether `work` has not returned or failed yet."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise what `work` failed with, if it did."""
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Wait for the thread, but not for ever."""
        self._thread.join(timeout=JOIN_WAIT_S)

    def _run(self) -> None:
        try:
            self._work()
        except UnderstudyError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - raised by `check`, not swallowed
            self._failure = InvariantError(f"{type(error).__name__} in {self._thread.name}")
            self._failure.__cause__ = error
