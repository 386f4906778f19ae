"""A capture or a worker in a thread of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consumers.worker import Worker
from producers.capture import Capture

DEADLINE_S = 30.0


@contextmanager
def running(part: Capture | Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=part.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        part._settings.registry.close()
