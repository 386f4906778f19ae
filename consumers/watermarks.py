"""How far each partition is, told by the last marker that it has reached.

Only the owner of a partition moves its watermark: with a batch, in its transaction; of idle partitions, a few times a
second in one statement for all.
"""

from collections.abc import Sequence
from importlib.resources import files

import psycopg

from consumers.checkpoint import Stretch
from consumers.points import Points, Reached
from consumers.target import Connection
from schemas.event_id import ZERO, EventId

_RAISE = files("consumers").joinpath("watermark.sql").read_bytes()

Cursor = psycopg.Cursor[tuple[object, ...]]


class Watermarks:
    """The watermarks of the partitions that are ours; for any thread."""

    def __init__(self, points: Points) -> None:
        """Raise them by these points."""
        self._points = points
        self._written: dict[tuple[str, int], int] = {}
        self.obeyed: dict[str, EventId] = {}

    def with_batch(
        self, cursor: Cursor, entities: Sequence[str], stretches: Sequence[Stretch]
    ) -> None:
        """Raise those of a batch, after its checkpoints were advanced."""
        topic = stretches[0].topic
        news = self._news(topic, [(s.partition, s.next) for s in stretches])
        if news:
            cursor.execute(_RAISE, _parameters({topic: news}, entities))

    def of_idle(
        self, connection: Connection, offsets: dict[str, dict[int, int]], entities: Sequence[str]
    ) -> None:
        """Raise those of partitions whose checkpoints have been beyond a marker for a while.

        Args:
            connection: Outside of a transaction.
            offsets: The checkpoints that are ours, by topic and partition.
            entities: Who reads these topics here.
        """
        news = {topic: self._news(topic, list(at.items())) for topic, at in offsets.items()}
        if any(news.values()):
            left = connection.execute(_RAISE, _parameters(news, entities)).fetchall()[0][0]
            if not left:
                for topic, reached in news.items():
                    self._written |= {(topic, point.partition): point.lsn for point in reached}

    def _news(self, topic: str, offsets: Sequence[tuple[int, int]]) -> list[Reached]:
        reached = self._points.reached(topic, offsets, self.obeyed.get(topic, ZERO))
        return [r for r in reached if self._written.get((topic, r.partition), 0) < r.lsn]


def _parameters(news: dict[str, list[Reached]], entities: Sequence[str]) -> dict[str, object]:
    rows = [(topic, *reached) for topic, points in news.items() for reached in points]
    topics, partitions, ends, lsns, source_ms = (list(column) for column in zip(*rows, strict=True))
    return {
        "topics": topics,
        "partitions": partitions,
        "ends": ends,
        "lsns": lsns,
        "source_ms": source_ms,
        "entities": list(entities),
    }
