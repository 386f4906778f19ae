"""Looks at a pipeline again and again, and says how it moves."""

import time
from dataclasses import dataclass, field

from ops.watch.observer import Observer
from ops.watch.status import Status
from ops.watch.windows import Windows

# Between the two looks of a single status: a heartbeat is due, and a busy worker commits a batch or two.
APART_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """An observer with a memory."""

    observer: Observer
    windows: Windows = field(default_factory=Windows)

    def look(self, *, count_ms: int | None = None) -> Status:
        """The state at this moment, with how each part has moved since the looks before."""
        return self.windows.judged(self.observer.look(count_ms=count_ms), time.monotonic())

    def look_once(self, *, count_ms: int | None) -> Status:
        """The state at this moment; a second look is taken where one does not tell how it moves."""
        first = self.look(count_ms=count_ms)
        if not first.needs_another_look:
            return first
        time.sleep(APART_S)
        return self.look().with_rows_of(first)
