"""What a capture left in Kafka, read without its code, and folded by the rules of convergence."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from schemas import positions
from schemas.positions import Record, Truncate
from schemas.registry import Registry
from tests import avro_reference

DEADLINE_S = 60.0
POLL_S = 0.1  # Each look may read a whole topic.


@dataclass(frozen=True)
class Event:
    """One row change as it stands in a topic."""

    place: tuple[str, int, int]
    key: tuple[Any, ...]
    id: tuple[int, int, int]
    op: str
    row: dict[str, Any]
    unavailable: tuple[str, ...]
    moved_to: tuple[str, ...]


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    """Wait until the condition yields something, and return it."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(POLL_S)
    return found


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "history", "auto.offset.reset": "earliest"}
    )
    try:
        yield consumer
    finally:
        consumer.close()


def messages(bootstrap: str, topic: str) -> list[Any]:
    """All records of a topic, partition by partition."""
    found: list[Any] = []
    with _consumer(bootstrap) as consumer:
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=10)
            consumer.assign([place])
            while end and (not found or _next_offset(found[-1], partition) < end):
                found += consumer.consume(1000, timeout=0.2)
    assert all(message.error() is None for message in found)
    return found


def _next_offset(message: Any, partition: int) -> int:
    return message.offset() + 1 if message.partition() == partition else 0


def records(bootstrap: str, topic: str) -> list[Record]:
    """All records of a positions topic, in order."""
    found = messages(bootstrap, topic)
    return [positions.decode(message.key(), message.value()) for message in found]


def awaited(bootstrap: str, topic: str, wanted: Callable[[Record], bool]) -> Record:
    """The first record of a positions topic that is wanted, read as they come."""
    deadline = time.monotonic() + DEADLINE_S
    with _consumer(bootstrap) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is None or message.error() is not None:
                continue
            record = positions.decode(message.key() or b"", message.value() or b"")
            if wanted(record):
                return record
    raise AssertionError("waited in vain for a record of the positions topic")


def events(bootstrap: str, registry: Registry, topic: str) -> list[Event]:
    """All changes in a topic; each delete must be followed by its tombstone."""
    found = messages(bootstrap, topic)
    changes = [message for message in found if message.value() is not None]
    by_schema: dict[int, list[Any]] = {}
    for message in changes:
        by_schema.setdefault(int.from_bytes(message.value()[1:5], "big"), []).append(message)
    read = [
        event
        for schema_id, group in by_schema.items()
        for event in _events(registry.schema(schema_id), group)
    ]
    ordered = sorted(read, key=lambda event: event.place)
    deleted = [(e.place[1], e.place[2] + 1) for e in ordered if e.op == "d"]
    assert deleted == [(m.partition(), m.offset()) for m in found if m.value() is None]
    return ordered


def _events(schema: dict[str, Any], group: list[Any]) -> list[Event]:
    rows = avro_reference.read(schema, [message.value() for message in group])
    return [
        Event(
            place=(message.topic(), message.partition(), message.offset()),
            key=tuple(row["legacy"][name] for name in schema["pg.key"]),
            id=(row["ours"]["epoch"], row["ours"]["lsn"], row["ours"]["ordinal"]),
            op=row["ours"]["op"],
            row=row["legacy"],
            unavailable=tuple(row["ours"]["unavailable"] or ()),
            moved_to=tuple(row["ours"]["moved_to"] or ()),
        )
        for message, row in zip(group, rows, strict=True)
    ]


def folded(
    changes: list[Event], truncates: list[Truncate]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows that a consumer ends with; a column that nobody sent is named, not NULL."""
    fence = max((tuple(truncate.event_id) for truncate in truncates), default=(0, 0, 0))
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in sorted(changes, key=lambda event: event.id):
        if event.id < fence:
            continue
        if event.op == "d":
            rows.pop(event.key, None)
            continue
        base = {} if event.op == "c" else rows.get(event.key, {})
        missing = {name: base.get(name, "never sent") for name in event.unavailable}
        rows[event.key] = {**event.row, **missing}
    return rows
