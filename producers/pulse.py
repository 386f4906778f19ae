"""The pulse of a capture: heartbeats into the WAL, and a look at what the slot holds back."""

import threading
import time
from collections.abc import Collection

from producers import budget, marker, publication, slot
from producers.background import Background
from producers.budget import Budget
from producers.settings import CaptureSettings
from producers.slot import Slot
from producers.source import Connection, connect
from schemas import names
from schemas.errors import SourceLostError
from schemas.table import Table

BUDGET_INTERVAL_S = 5.0


class Pulse:
    """A thread with a connection of its own."""

    def __init__(self, settings: CaptureSettings, suffix: str, tables: Collection[Table]) -> None:
        """Beat every `heartbeat_ms`; watch the slot with that suffix, and what is published."""
        self._settings = settings
        self._suffix = suffix
        self._tables = tables
        self._stopped = threading.Event()
        self._judged_at = 0.0
        self.slot: Slot | None = None
        # Set while there is WAL enough for the snapshot to go on.
        self.enough = threading.Event()
        self.enough.set()
        self._background = Background("pulse", self._run)

    def check(self) -> None:
        """Raise what went wrong in the background, if something did."""
        self._background.check()

    def close(self) -> None:
        """Stop."""
        self._stopped.set()
        self._background.join()

    def _run(self) -> None:
        """A lost connection is opened again with the next beat; the tail notices a lost source."""
        while not self._stopped.is_set():
            try:
                with connect(self._settings.source_dsn, "pulse") as connection:
                    self._beat(connection)
            except SourceLostError:
                self._stopped.wait(self._settings.heartbeat_ms / 1000)

    def _beat(self, connection: Connection) -> None:
        while not self._stopped.is_set():
            marker.emit(connection, marker.HEARTBEAT)
            if time.monotonic() - self._judged_at > BUDGET_INTERVAL_S:
                self._judge(connection)
            self._stopped.wait(self._settings.heartbeat_ms / 1000)

    def _judge(self, connection: Connection) -> None:
        self._judged_at = time.monotonic()
        pipeline = self._settings.pipeline
        publication.check(connection, names.publication(pipeline), self._tables)
        self.slot = slot.slots_of(connection, pipeline).get(self._suffix)
        if budget.judge(self.slot, slot.name_of(pipeline, self._suffix)) is Budget.ENOUGH:
            self.enough.set()
        else:
            self.enough.clear()
