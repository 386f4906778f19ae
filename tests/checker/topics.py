"""The topics against the source.

The last record of every key says what the source says, and a key keeps to one partition.
"""

import io
import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from psycopg import sql
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.checker.database import read, snapshot
from tests.checker.entities import CLINIC
from tests.checker.entity import Entity
from tests.checker.report import Problem

_WIRE_HEADER_BYTES = 5  # A zero byte and the schema id.
_POLL_SECONDS = 0.1
_SILENCE_SECONDS = 10.0
_BATCH = 10_000

EventId = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the topics and their schemas are."""

    bootstrap: str
    registry: str


@dataclass(slots=True, kw_only=True)
class History:
    """What the records of one key say so far.

    Attributes:
        last: The highest event id.
        row: The row after it; None: deleted. A column that no record has sent is absent.
        partitions: Where records of the key are.
    """

    last: EventId = (0, 0, -1)
    row: dict[str, str | None] | None = None
    partitions: set[int] = field(default_factory=set)


def check_topics(
    source_dsn: str, endpoints: Endpoints, pipeline: str, entities: Sequence[Entity] = CLINIC
) -> list[Problem]:
    """Compare every table's topic with the table; both must be at rest.

    Args:
        source_dsn: The legacy database.
        endpoints: Kafka and the registry.
        pipeline: The first part of the topics' names.
        entities: Whose topics to read.
    """
    problems = []
    for entity in {entity.source: entity for entity in entities}.values():
        histories = read_topic(endpoints, f"{pipeline}.{entity.source}", entity.key)
        problems += _compare(entity, histories, _source_rows(source_dsn, entity))
    return problems


def read_topic(
    endpoints: Endpoints, topic: str, key: tuple[str, ...]
) -> dict[tuple[str | None, ...], History]:
    """The history of every key of a topic, from the first record to the last."""
    decoder = _Decoder(endpoints.registry)
    histories: dict[tuple[str | None, ...], History] = {}
    for message in _messages(endpoints.bootstrap, topic):
        raw_key = message.key()
        if raw_key is None:
            continue
        fields = decoder.decode(raw_key)
        history = histories.setdefault(tuple(_text(fields[name]) for name in key), History())
        history.partitions.add(message.partition() or 0)
        raw_value = message.value()
        if raw_value is not None:
            follow(history, decoder.decode(raw_value))
    return histories


class _Decoder:
    """Decodes the wire format with the writer's schema, fetched once per id."""

    def __init__(self, registry: str) -> None:
        self._registry = registry.rstrip("/")
        self._schemas: dict[int, Any] = {}

    def decode(self, message: bytes) -> dict[str, Any]:
        schema_id = int.from_bytes(message[1:_WIRE_HEADER_BYTES])
        if schema_id not in self._schemas:
            self._schemas[schema_id] = self._fetch(schema_id)
        body = io.BytesIO(message[_WIRE_HEADER_BYTES:])
        decoded = fastavro.schemaless_reader(body, self._schemas[schema_id], None)
        assert isinstance(decoded, dict)
        return decoded

    @retry(
        retry=retry_if_exception_type(
            ConnectionError
        ),  # On a crowded machine the registry hangs up at times.
        stop=stop_after_delay(_SILENCE_SECONDS),
        wait=wait_fixed(_POLL_SECONDS),
        reraise=True,
    )
    def _fetch(self, schema_id: int) -> Any:
        address = f"{self._registry}/schemas/ids/{schema_id}"
        with urllib.request.urlopen(address, timeout=_SILENCE_SECONDS) as response:  # noqa: S310 - the test's own registry.
            return fastavro.parse_schema(json.loads(json.load(response)["schema"]))


def _messages(bootstrap: str, topic: str) -> Iterator[Message]:
    """Every record of a topic, partition by partition in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "understudy-checker",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    try:
        metadata = consumer.list_topics(topic, timeout=_SILENCE_SECONDS).topics[topic]
        for number in metadata.partitions:
            yield from _partition(consumer, topic, number)
    finally:
        consumer.close()


def _partition(consumer: Consumer, topic: str, number: int) -> Iterator[Message]:
    low, end = consumer.get_watermark_offsets(
        TopicPartition(topic, number), timeout=_SILENCE_SECONDS
    )
    if low == end:
        return
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING)])
    position, deadline = low, time.monotonic() + _SILENCE_SECONDS
    while position < end:
        for record in consumer.consume(_BATCH, timeout=_POLL_SECONDS):
            error = record.error()
            if error is not None:
                raise KafkaException(error)
            yield record
            position = (record.offset() or 0) + 1
            deadline = time.monotonic() + _SILENCE_SECONDS
        if time.monotonic() > deadline:
            message = f"{topic} [{number}] fell silent before its end"
            raise TimeoutError(message)


def follow(history: History, envelope: dict[str, Any]) -> None:
    """Add one record to what is known of its key; records come in any order of event ids."""
    event = _event_id(envelope)
    row = _row(envelope)
    if event > history.last:
        if row is not None and history.row is not None:
            row = {
                **{name: history.row[name] for name in _unsent(envelope) & history.row.keys()},
                **row,
            }
        history.last, history.row = event, row
    elif row is not None and history.row is not None:
        # An older record can only say what no newer one has said.
        history.row = {**row, **history.row}


def _event_id(envelope: dict[str, Any]) -> EventId:
    source, transaction = envelope["source"], envelope["transaction"]
    return source["epoch"], source["lsn"], transaction["total_order"] if transaction else 0


def _row(envelope: dict[str, Any]) -> dict[str, str | None] | None:
    after = envelope["after"]
    if envelope["op"] == "d" or after is None:
        return None
    unsent = _unsent(envelope)
    return {name: _text(value) for name, value in after.items() if name not in unsent}


def _unsent(envelope: dict[str, Any]) -> set[str]:
    return set(envelope["unavailable"] or ())


def _text(value: Any) -> str | None:
    """A decoded value as PostgreSQL prints it; the clinic has no floats."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return None if value is None else str(value)


def _source_rows(dsn: str, entity: Entity) -> dict[tuple[str | None, ...], dict[str, str | None]]:
    with snapshot(dsn) as source:
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*entity.source.split(".")))
        found = read(source, query)
    rows = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    return {tuple(row[name] for name in entity.key): row for row in rows}


def _compare(
    entity: Entity,
    histories: dict[tuple[str | None, ...], History],
    rows: dict[tuple[str | None, ...], dict[str, str | None]],
) -> list[Problem]:
    faults: list[tuple[str, tuple[str | None, ...], str]] = []
    for key, history in histories.items():
        if len(history.partitions) > 1:
            faults.append(("topic", key, "records in several partitions"))
        if history.row is not None and key not in rows:
            faults.append(
                ("topic", key, "the last record is no delete, the source has no such row")
            )
    for key, row in rows.items():
        last = histories.get(key)
        if last is None or last.row is None:
            faults.append(
                ("topic", key, "no record" if last is None else "the last record is a delete")
            )
        elif last.row != row:
            columns = [name for name in row if last.row.get(name, "") != row[name]]
            faults.append(("topic", key, f"the last record differs in {', '.join(columns)}"))
    return [
        Problem(
            kind=kind, entity=entity.name, key=",".join(part or "" for part in key), detail=detail
        )
        for kind, key, detail in faults
    ]
