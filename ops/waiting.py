"""Waiting for what somebody else does, with a deadline."""

import time
from collections.abc import Callable

from schemas.errors import UnderstudyError


def wait_until(
    is_so: Callable[[], bool],
    deadline: float,
    late: Callable[[], UnderstudyError],
    poll_s: float = 0.2,
) -> None:
    """Look until something is so.

    Args:
        is_so: Asked at least once.
        deadline: By `time.monotonic`.
        late: The error that says what is still awaited, and what to do.
        poll_s: Seconds between two looks.

    Raises:
        UnderstudyError: That of `late`, at the first look after the deadline that finds it not so.
    """
    while not is_so():
        if time.monotonic() > deadline:
            raise late()
        time.sleep(poll_s)
