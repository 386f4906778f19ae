"""Looking at a pipeline: what the source, Kafka and the target each say, put together."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeVar, cast

from confluent_kafka.admin import AdminClient

from ops import wiring
from ops.databases import Connection
from ops.proof import verified
from ops.proof.verified import Stored
from ops.stack.state import Endpoints
from ops.watch import broker, compose, target
from ops.watch.broker import Group, PositionsReader, Progress
from ops.watch.compose import Answers
from ops.watch.kept import Kept
from ops.watch.lag import Place
from ops.watch.source import SourceStatus, estimates
from ops.watch.source import read as read_source
from ops.watch.status import Status
from schemas import names
from schemas.errors import SourceError, TargetError, UnderstudyError
from schemas.migration import Migration

APPLICATION = "status"
SELDOM_S = 10.0
Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True)
class Observer:
    """Looks at one pipeline again and again; keeps its clients and sessions between two looks.

    Attributes:
        ahead_ms: How much the source's clock is ahead of ours, by the last look at which it answered.
        known: When it was last asked for what is asked for seldom, and what was said.
        places: Topics, as soon as they exist, with their partitions, which are fixed.
    """

    migration: Migration
    at: Endpoints
    admin: AdminClient = field(init=False)
    at_source: Kept = field(init=False)
    at_target: Kept = field(init=False)
    positions: PositionsReader | None = None
    counts_in_time: bool = True
    ahead_ms: int = 0
    places: dict[str, list[Place]] = field(default_factory=dict)
    rows_estimated: dict[str, int] | None = None
    known: dict[str, tuple[float, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the clients; they connect with the first question."""
        self.admin = wiring.admin(self.migration, self.at)
        self.at_source = Kept(self.at.source_dsn, APPLICATION, SourceError)
        self.at_target = Kept(self.at.target_dsn, APPLICATION, TargetError)

    def __enter__(self) -> Self:
        """Nothing is opened before the first look."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all servers."""
        self.rest()
        if self.positions is not None:
            self.positions.close()

    def rest(self) -> None:
        """Let go of the databases, until the next look."""
        self.at_source.close()
        self.at_target.close()

    def look(self, *, count_ms: int | None) -> Status:
        """The state at this moment; a server that does not answer is a problem, not an error.

        Args:
            count_ms: How long the rows of the entities may be counted, which reads the whole mapping: 0 as long as
                it takes, None not at all. Where it took longer, it is not tried again.
        """
        problems: list[UnderstudyError] = []
        ask = partial(_asked, problems)
        source = ask(self._source)
        progress = ask(self._progress) or Progress()
        known = ask(self._entities) or []
        # From here on: the ends after the checkpoints, for what is applied was in Kafka before; what takes long last.
        said = Answers(
            source=source,
            entities=known,
            progress=progress,
            now_ms=_local_ms() + self.ahead_ms,
            ends=ask(self._ends),
            group=ask(self._group),
            estimates=(ask(lambda: self._estimates(progress)) if source else None) or {},
            verified=(ask(self._verified) if known else None) or {},
            rows=ask(lambda: self._rows(count_ms)) if known else None,
        )
        return compose.status(self.migration, said, problems)

    def _estimates(self, progress: Progress) -> dict[str, int]:
        """About how many rows the legacy table of each entity has; asked once, in the snapshot."""
        places = {name: entity.source.place for name, entity in self.migration.entities.items()}
        labels = {str(entity.source) for entity in self.migration.entities.values()}
        if self.rows_estimated is None and not labels <= progress.ended.keys():
            found = self.at_source.ask(lambda c: estimates(c, list(places.values())))
            self.rows_estimated = {n: found[place] for n, place in places.items() if place in found}
        return self.rows_estimated or {}

    def _source(self) -> SourceStatus:
        found = self.at_source.ask(lambda c: read_source(c, self.migration.pipeline.pipeline))
        self.ahead_ms = found.now_ms - _local_ms()
        return found

    def _entities(self) -> list[target.Entity]:
        found = self.at_target.ask(target.read)
        if not any(one.waiting for one in found):
            return found
        known = self._seldom("excluded", lambda: self.at_target.ask(target.excluded))
        return [target.with_excluded(one, known) for one in found]

    def _verified(self) -> dict[str, Stored]:
        def newest(connection: Connection) -> dict[str, Stored]:
            return verified.newest(connection, self.migration, list(self.migration.entities))

        return self._seldom("verified", lambda: self.at_target.ask(newest))

    def _seldom(self, what: str, ask: Callable[[], Answer]) -> Answer:
        """Ask, unless it was asked a moment ago: what is dear and of which nobody waits for the very last."""
        known_at, known = self.known.get(what, (-math.inf, None))
        if time.monotonic() - known_at > SELDOM_S:
            known = ask()
            self.known[what] = time.monotonic(), known
        return cast("Answer", known)

    def _rows(self, count_ms: int | None) -> dict[str, int] | None:
        if count_ms is None or not self.counts_in_time:
            return None
        found = self.at_target.ask(lambda c: target.rows(c, count_ms))
        self.counts_in_time = found is not None
        return found

    def _group(self) -> Group:
        return broker.group(self.admin, names.group(self.migration.pipeline.pipeline))

    def _ends(self) -> dict[Place, int]:
        topics = self.migration.topics
        if len(self.places) < len(topics):
            self.places = broker.partitions(self.admin, topics)
        return broker.ends(self.admin, [place for some in self.places.values() for place in some])

    def _progress(self) -> Progress:
        if self.positions is None:
            if not broker.exists(self.admin, self.migration.pipeline.pipeline):
                return Progress()
            client = wiring.reader(self.migration, self.at)
            self.positions = PositionsReader(client, self.migration.pipeline.pipeline)
        return self.positions.refresh()


def _asked(problems: list[UnderstudyError], ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except UnderstudyError as error:
        problems.append(error)
        return None


def _local_ms() -> int:
    return time.time_ns() // 1_000_000
