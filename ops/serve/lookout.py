"""One who looks for all viewers: while somebody watches, at most once a second, and not at all when nobody does."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator

import structlog

from ops.serve.history import History
from ops.serve.looker import Looks

INTERVAL_S = 2.0
# In the snapshot, far behind, and where a look takes long, the servers have other work; but nobody waits for long.
SHARE_MAX = 0.1
PAUSE_S_MAX = 6.0
# A viewer who has gone is noticed, and a proxy in between kept awake.
KEEP_ALIVE_S = 1.0

log = structlog.get_logger(__name__)


class Lookout:
    """Tells all viewers of each look; lives in one event loop."""

    def __init__(self, looks: Looks, interval_s: float = INTERVAL_S) -> None:
        """Look with this, so often."""
        self.history = History()
        self.viewers = 0
        self._looks, self._interval_s = looks, interval_s
        self._told = b""
        self._looked_at = -math.inf
        self._taken_s = 0.0
        self._is_busy = False
        self._task: asyncio.Task[None] | None = None
        self._fresh = asyncio.Condition()
        self._number = 0
        self._is_closing = False

    def close(self) -> None:
        """Have all viewers sent home; may be called from another thread."""
        self._is_closing = True

    async def messages(self) -> AsyncIterator[bytes]:
        """Server-sent events for one viewer: an overview after each look, until the end; the history after the first.

        Source: WHATWG HTML Living Standard, "Server-sent events".
        """
        self.viewers += 1
        try:
            self._begin()
            seen = self._number if self._is_stale() else self._number - 1
            is_first = True
            while not self._is_closing:
                if not await self._newer_than(seen):
                    yield b": still here\n\n"
                    continue
                seen = self._number
                if self._told:
                    yield self._told
                if is_first:
                    yield _event("history", self.history.as_json())
                    is_first = False
        finally:
            self.viewers -= 1

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def _is_stale(self) -> bool:
        return time.monotonic() - self._looked_at > 2 * self._interval_s

    async def _newer_than(self, seen: int) -> bool:
        """Wait a moment for a look that is not `seen`."""
        if self._number <= seen:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S), self._fresh:
                    await self._fresh.wait_for(lambda: self._number > seen)
            except TimeoutError:
                return False
        return True

    async def _run(self) -> None:
        while self.viewers and not self._is_closing:
            await self._look()
            await asyncio.sleep(self._pause_s())
            if not self.viewers:
                await asyncio.to_thread(self._looks.rest)

    def _pause_s(self) -> float:
        pause_s = PAUSE_S_MAX if self._is_busy else self._taken_s / SHARE_MAX
        return max(self._interval_s - self._taken_s, min(pause_s, PAUSE_S_MAX))

    async def _look(self) -> None:
        began = time.monotonic()
        try:
            self._told = await asyncio.to_thread(self._tell)
        except Exception as error:  # noqa: BLE001 - the page must outlive a bug, and the text may hold a row
            log.error("could not look", error=type(error).__name__)  # noqa: TRY400 - see above
        self._looked_at = time.monotonic()
        self._taken_s = self._looked_at - began
        async with self._fresh:
            self._number += 1
            self._fresh.notify_all()

    def _tell(self) -> bytes:
        """Look, and say it once for all viewers."""
        overview = self._looks.look()
        self.history.take(overview)
        self._is_busy = overview.is_busy
        return _event("overview", overview.as_json() | {"point": self.history.newest_as_json()})


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, default=str)}\n\n".encode()
