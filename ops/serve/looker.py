"""Looks at the servers for the page: the status, what stands beside it, and sizes, which are read rarely."""

import time
from collections.abc import Mapping
from typing import Protocol

from ops.serve import beside
from ops.serve.beside import Beside
from ops.serve.overview import Overview, Sizes
from ops.watch import source
from ops.watch.kept import Kept
from ops.watch.watcher import Watcher
from schemas.errors import UnderstudyError

# Rows are counted and sizes read once a minute: half a second of it is less than one per cent.
SIZES_S = 60.0
COUNT_MS = 500

Place = tuple[str, str]


class Looks(Protocol):
    """Somebody who looks."""

    def look(self) -> Overview:
        """The pipeline at this moment; may take seconds."""

    def rest(self) -> None:
        """Nobody watches: hold no session until the next look."""


class Looker:
    """Looks at one pipeline again and again; one thread at a time."""

    def __init__(self, watcher: Watcher) -> None:
        """Look with this one, whom others may use too."""
        self._watcher, self._observer = watcher, watcher.observer
        self._migration = watcher.observer.migration
        self._rows: dict[str, int] = {}
        self._sizes: Mapping[str, Sizes] = {}
        self._sized_at: float | None = None

    def look(self) -> Overview:
        """The pipeline at this moment; a server that does not answer is one of its problems."""
        now_s = time.monotonic()
        is_due = self._sized_at is None or now_s - self._sized_at > SIZES_S
        status = self._watcher.look(count_ms=COUNT_MS if is_due else None)
        if is_due:
            self._sized_at = now_s
            self._sizes = self._read_sizes()
            rows = {entity.name: entity.rows for entity in status.entities}
            self._rows = {name: count for name, count in rows.items() if count is not None}
        return Overview(
            at_ms=time.time_ns() // 1_000_000,
            status=status,
            beside=self._beside(),
            sizes=self._sizes,
            rows=self._rows,
        )

    def rest(self) -> None:
        """Let go of the databases, until the next look."""
        self._observer.rest()

    def _beside(self) -> Beside:
        """Without it the status still says what is wrong with the target."""
        try:
            return self._observer.at_target.ask(lambda c: beside.read(c, self._migration))
        except UnderstudyError:
            return Beside()

    def _read_sizes(self) -> dict[str, Sizes]:
        entities = self._migration.entities
        sources = _sizes(self._observer.at_source, [e.source.place for e in entities.values()])
        targets = _sizes(self._observer.at_target, [e.target.place for e in entities.values()])
        return {
            name: Sizes(source=sources.get(e.source.place), target=targets.get(e.target.place))
            for name, e in entities.items()
        }


def _sizes(session: Kept, places: list[Place]) -> dict[Place, int]:
    """Rows of tables, about; empty where the server does not answer, which the status says."""
    try:
        return session.ask(lambda c: source.estimates(c, places))
    except UnderstudyError:
        return {}
