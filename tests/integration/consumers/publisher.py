"""A capture without a source: rows that a test makes up go into topics as the real capture would write them."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Producer, TopicPartition, murmur2
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from schemas import envelope, names, positions
from schemas.avro_write import Changes, Pair, RowEncoder, SourceInfo
from schemas.event_id import EventId
from schemas.positions import Ends, Marker, Record, SchemaText, SnapshotEnd, Truncate
from schemas.registry import Registry
from schemas.table import Column, Table

EPOCH = 1
Row = Mapping[str, str | None]


def table(name: str, key: Sequence[str] = ("id",), **columns: str) -> Table:
    """A legacy table of the schema public; columns as name=type."""
    found = tuple(Column(name=n, type=t, base=t) for n, t in columns.items())
    return Table(schema="public", name=name, columns=found, key=tuple(key))


class Publisher:
    """Writes rows of some tables, each change with a commit LSN of its own."""

    def __init__(self, bootstrap: str, registry: Registry, pipeline: str) -> None:
        self.pipeline = pipeline
        self._registry = registry
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
            }
        )
        self._partitions: dict[str, int] = {}
        self._encoders: dict[str, RowEncoder] = {}
        self._tables: dict[str, Table] = {}
        self._lsns = itertools.count(1_000, 10)
        self.lsn = 0
        self.create(names.positions_topic(pipeline), 1, {"cleanup.policy": "compact"})

    def topic(self, name: str) -> str:
        """The topic of a legacy table."""
        return names.topic(self.pipeline, "public", name)

    def add(self, legacy: Table, partitions: int = 1) -> None:
        """Create the topic of a table, and register its schemas."""
        topic = self.topic(legacy.name)
        self.create(topic, partitions, {"retention.ms": "-1"})
        self._partitions[topic] = partitions
        self.alter(legacy)

    def alter(self, legacy: Table, *, told: bool = True) -> None:
        """Write a table by another schema from now on; `told`: the positions topic has it too."""
        topic = self.topic(legacy.name)
        key, value = envelope.key_schema(topic, legacy), envelope.value_schema(topic, legacy)
        key_id = self._register(names.key_subject(topic), key, told=told)
        value_id = self._register(names.value_subject(topic), value, told=told)
        info = SourceInfo(version="test", name=self.pipeline, db="legacy")
        self._encoders[legacy.name] = RowEncoder(legacy, key_id, value_id, info)
        self._tables[legacy.name] = legacy

    def _register(self, subject: str, schema: envelope.Schema, *, told: bool) -> int:
        schema_id = self._registry.ensure(subject, schema, "NONE")
        if told:
            self.tell(SchemaText(id=schema_id, subject=subject, text=json.dumps(schema)))
        return schema_id

    def create(self, topic: str, partitions: int, config: dict[str, str]) -> None:
        new = NewTopic(topic, partitions, 1, config=config)
        self.admin.create_topics([new])[topic].result()

    def snapshot(self, name: str, rows: Iterable[Row]) -> None:
        """Rows of a snapshot."""
        at = EventId(EPOCH, self._next(), 0)
        columns = self._columns(name, rows)
        self._send(name, list(self._encoders[name].snapshot(columns, at, 1_700_000_000_000)))

    def insert(self, name: str, **row: str | None) -> None:
        """One row of a transaction of its own."""
        self.change(name, "c", row)

    def update(self, name: str, **row: str | None) -> None:
        """A new version of a row."""
        self.change(name, "u", row)

    def delete(self, name: str, **key: str | None) -> None:
        """The end of a row, and its tombstone."""
        self.change(name, "d", key)

    def change(self, name: str, op: str, row: Row) -> None:
        """One change."""
        columns = self._columns(name, [row])
        changes = Changes(
            op=[op.encode()],
            before=columns if op == "d" else None,
            after=columns,
            epoch=EPOCH,
            commit_lsn=[self._next()],
            ordinal=[1],
            xid=[700],
            ts_ms=[1_700_000_000_000],
            unavailable=[None],
        )
        self._send(name, self._encoders[name].changes(changes))

    def updates(self, name: str, rows: Sequence[Row]) -> None:
        """Many new versions in one transaction."""
        lsn, count = self._next(), len(rows)
        changes = Changes(
            op=[b"u"] * count,
            before=None,
            after=self._columns(name, rows),
            epoch=EPOCH,
            commit_lsn=[lsn] * count,
            ordinal=range(1, count + 1),
            xid=[700] * count,
            ts_ms=[1_700_000_000_000] * count,
            unavailable=[None] * count,
        )
        self._send(name, self._encoders[name].changes(changes))

    def _columns(self, name: str, rows: Iterable[Row]) -> list[list[bytes | None]]:
        listed = list(rows)
        texts = ([row.get(c.name) for row in listed] for c in self._tables[name].columns)
        return [[None if text is None else text.encode() for text in column] for column in texts]

    def _next(self) -> int:
        self.lsn = next(self._lsns)
        return self.lsn

    def _send(self, name: str, pairs: Sequence[Pair]) -> None:
        topic = self.topic(name)
        count = self._partitions[topic]
        for start in range(0, len(pairs), 10_000):
            batches: dict[int, list[dict[str, Any]]] = {}
            for key, value in pairs[start : start + 10_000]:
                record = {"key": key, "value": value}
                batches.setdefault(murmur2(key, count), []).append(record)
            for partition, batch in batches.items():
                assert self._producer.produce_batch(topic, batch, partition=partition) == len(batch)
            self._producer.flush()

    def end_snapshot(self, name: str) -> None:
        """All that was written so far is the table's snapshot."""
        topic = self.topic(name)
        label = self._tables[name].label
        self.tell(
            SnapshotEnd(
                table=label, topic=topic, epoch=EPOCH, lsn=self.lsn, rows=0, ends=self.ends()
            )
        )

    def mark(self, name: str = "heartbeat") -> int:
        """A marker after everything that was written so far; returns its LSN."""
        lsn = self._next()
        self.tell(Marker(id=name, epoch=EPOCH, lsn=lsn, source_ms=lsn * 1_000, ends=self.ends()))
        return lsn

    def truncate(self, name: str) -> EventId:
        """The table is emptied."""
        record = Truncate(
            table=self._tables[name].label,
            topic=self.topic(name),
            epoch=EPOCH,
            lsn=self._next(),
            ordinal=1,
        )
        self.tell(record)
        return record.event_id

    def tell(self, record: Record) -> None:
        """Write a record of the positions topic."""
        key, value = positions.encode(record)
        self._producer.produce(names.positions_topic(self.pipeline), value=value, key=key)
        self._producer.flush()

    def ends(self) -> Ends:
        """The end offset of each partition."""
        request = {
            TopicPartition(topic, partition): OffsetSpec.latest()
            for topic, count in self._partitions.items()
            for partition in range(count)
        }
        found: Ends = {}
        for place, future in self.admin.list_offsets(request).items():
            found.setdefault(place.topic, {})[place.partition] = future.result().offset
        return found
