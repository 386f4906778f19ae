"""Leaving the group. The consumer is a stand-in: the real one assigns within close() once in many thousand times."""

from collections.abc import Callable
from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumers.beginnings import Beginnings, Checkpoint, Place
from consumers.schedule import Schedule
from consumers.topic_reader import TopicReader


class Leaving:
    """Another member has left at the same moment: its partition comes while we go."""

    _on_assign: Callable[..., None]

    def subscribe(self, _topics: object, *, on_assign: Callable[..., None], **_: object) -> None:
        self._on_assign = on_assign

    def close(self) -> None:
        self._on_assign(self, [TopicPartition("a", 0)])

    def incremental_assign(self, _positions: object) -> None:
        pass

    def resume(self, _partitions: object) -> None:
        pass

    def assignment(self) -> list[TopicPartition]:
        raise KafkaException(KafkaError(KafkaError._DESTROY))


class Start:
    """Every partition begins at its beginning."""

    def verified(self, places: list[Place]) -> dict[Place, Checkpoint]:
        return {place: Checkpoint(offset=0, topic_id="", leader_epoch=None) for place in places}


def test_partitions_that_come_while_it_leaves_are_no_error() -> None:
    schedule = Schedule({"a": ["a"]}, batch_rows=10, shares={})
    stand_in: Any = Leaving()
    reader = TopicReader(cast("Consumer", stand_in), schedule, cast("Beginnings", Start()))
    reader.close()
    assert schedule.units[0].committed == {}
