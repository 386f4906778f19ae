"""Looks at a pipeline again and again, and says how it moves."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ops.stack.state import Endpoints
from ops.watch.observer import Observer
from ops.watch.status import Status
from ops.watch.windows import Windows
from schemas.migration import Migration

# Between the two looks of a single status: a heartbeat is due, and a busy worker commits a batch or two.
APART_S = 1.0


# Who ends does not wait for a server that does not answer.
CLOSE_S = 1.0


@dataclass(slots=True, kw_only=True)
class Watcher:
    """An observer with a memory; several threads may look, one after the other."""

    observer: Observer
    windows: Windows = field(default_factory=Windows)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _newest: Status | None = None
    _looked_at: float = -math.inf

    def look(self, *, count_ms: int | None = None) -> Status:
        """The state at this moment, with how each part has moved since the looks before."""
        with self._turn:
            return self._look(count_ms)

    def recent(self, within_s: float) -> Status:
        """The same, or what somebody else has seen a moment ago: so two who watch cost as much as one."""
        with self._turn:
            if self._newest is not None and time.monotonic() - self._looked_at < within_s:
                return self._newest
            return self._look(None)

    def look_once(self, *, count_ms: int | None) -> Status:
        """The state at this moment; a second look is taken where one does not tell how it moves."""
        first = self.look(count_ms=count_ms)
        if not first.needs_another_look:
            return first
        time.sleep(APART_S)
        return self.look().with_rows_of(first)

    def close(self) -> None:
        """Let go of all servers, unless somebody still waits for one: then they go with the process."""
        if self._turn.acquire(timeout=CLOSE_S):
            self.observer.__exit__()

    def _look(self, count_ms: int | None) -> Status:
        seen = self.windows.judged(self.observer.look(count_ms=count_ms), time.monotonic())
        self._newest, self._looked_at = seen, time.monotonic()
        return seen


@contextmanager
def watching(migration: Migration, at: Endpoints) -> Iterator[Watcher]:
    """Somebody who looks at a pipeline, for all who want to know, while the block runs."""
    watcher = Watcher(observer=Observer(migration=migration, at=at))
    try:
        yield watcher
    finally:
        watcher.close()
