"""The floor: how fast the same servers go with a page of code and nothing around it.

COPY text -> Avro datums by columns -> Kafka -> one Avro container in memory -> polars columns -> UUIDs -> COPY into
staging -> one statement that fences, maps and upserts. No tail, no resume, no errors, no schema changes, one table.
"""

import hashlib
import io
import json
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import polars as pl
import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ops.bench.ground import NAMESPACE, Databases, read
from schemas.errors import InvariantError

PARTITIONS = 4
BATCH = 20_000
ROWS_A_PIECE = 10_000
_SEVEN_BITS = 0x7F
_MAGIC = b"0123456789abcdef"
_FIELDS = (
    ("id", "long"),
    ("order_id", "int"),
    ("assignee_id", "int"),
    ("title", "string"),
    ("description", "string"),
    ("status", "int"),
    ("priority", "int"),
    ("price", "string"),
    ("is_done", "boolean"),
    ("due", "string"),
    ("created_at", "string"),
    ("updated_at", "string"),
    ("meta", "string"),
    ("code", "string"),
)
_NAMES = [name for name, _ in _FIELDS]


def _long(number: int) -> bytes:
    """Avro's zig-zag varint."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > _SEVEN_BITS:
        out.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    return bytes([*out, number])


_SHORT = [_long(number) for number in range(70_000)]


def _integer(text: bytes) -> bytes:
    number = int(text)
    return _SHORT[number] if 0 <= number < len(_SHORT) else _long(number)


def _string(text: bytes) -> bytes:
    return _SHORT[len(text)] + text


def _truth(text: bytes) -> bytes:
    return b"\1" if text == b"t" else b"\0"


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "long": _integer,
    "int": _integer,
    "string": _string,
    "boolean": _truth,
}


def _nullable(column: Sequence[bytes], encode: Callable[[bytes], bytes]) -> list[bytes]:
    return [b"\0" if value == b"\\N" else b"\2" + encode(value) for value in column]


def _schema() -> dict[str, object]:
    row = {
        "type": "record",
        "name": "Row",
        "fields": [{"name": name, "type": ["null", kind]} for name, kind in _FIELDS],
    }
    return {
        "type": "record",
        "name": "Envelope",
        "fields": [
            {"name": "after", "type": row},
            {"name": "lsn", "type": "long"},
            {"name": "op", "type": "string"},
        ],
    }


def _produce(source_dsn: str, bootstrap: str, topic: str) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 20,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
            "partitioner": "murmur2_random",
        }
    )
    rows: list[list[bytes]] = []
    with (
        psycopg.connect(source_dsn) as connection,
        connection.cursor().copy("COPY public.tasks TO STDOUT") as copy,
    ):
        for line in copy:
            rows.append(bytes(line)[:-1].split(b"\t"))
            if len(rows) >= ROWS_A_PIECE:
                _send(producer, topic, rows)
                rows = []
    _send(producer, topic, rows)
    producer.flush()


def _send(producer: Producer, topic: str, rows: list[list[bytes]]) -> None:
    if not rows:
        return
    columns = [
        _nullable(column, _ENCODERS[kind])
        for column, (_, kind) in zip(zip(*rows, strict=True), _FIELDS, strict=True)
    ]
    tail = _long(1) + _string(b"r")
    values = map(
        b"".join, zip([b"\0\0\0\0\1"] * len(rows), *columns, [tail] * len(rows), strict=True)
    )
    messages = [{"key": key, "value": value} for key, value in zip(columns[0], values, strict=True)]
    producer.produce_batch(topic, messages)
    producer.poll(0)


def _uuids(entity: str, keys: pl.Series) -> pl.Series:
    base = hashlib.sha1(UUID(NAMESPACE).bytes + f"{entity}:".encode(), usedforsecurity=False)
    distinct = keys.unique().drop_nulls()
    found = []
    for key in distinct.to_list():
        state = base.copy()
        state.update(b"%d" % key)
        digits = state.hexdigest()
        found.append(f"{digits[:12]}5{digits[13:16]}8{digits[17:32]}")
    return keys.replace_strict(
        distinct, pl.Series(found, dtype=pl.String), default=None, return_dtype=pl.String
    )


class _Reader:
    """Datums of one schema to columns, through one container in memory."""

    def __init__(self) -> None:
        schema = json.dumps(_schema()).encode()
        meta = (
            _long(2)
            + _string(b"avro.schema")
            + _long(len(schema))
            + schema
            + _string(b"avro.codec")
            + _string(b"null")
            + _long(0)
        )
        self._head = b"Obj\1" + meta + _MAGIC

    def read(self, values: list[bytes]) -> pl.DataFrame:
        body = b"".join([value[5:] for value in values])
        return pl.read_avro(
            io.BytesIO(self._head + _long(len(values)) + _long(len(body)) + body + _MAGIC)
        )


def _lines(frame: pl.DataFrame) -> memoryview:
    row = frame["after"].struct.unnest()
    ids = {
        "legacy_key": row["id"].cast(pl.String),
        "commit_lsn": frame["lsn"],
        "ordinal": row["id"],
    }
    keys = {
        "id": _uuids("tasks", row["id"]),
        "order_id": _uuids("orders", row["order_id"]),
        "assignee_id": _uuids("people", row["assignee_id"]),
    }
    buffer = io.BytesIO()
    pl.DataFrame(ids | keys | {name: row[name] for name in _NAMES[3:]}).write_csv(
        buffer, include_header=False
    )
    return buffer.getbuffer()


def _apply(target_dsn: str, batches: "queue.Queue[memoryview | None]") -> None:
    merge = read("floor_apply.sql")
    with psycopg.connect(target_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(read("floor_stage.sql"))
        while (lines := batches.get()) is not None:
            with cursor.copy("COPY stage FROM STDIN (FORMAT csv)") as copy:
                copy.write(lines)
            cursor.execute(merge)
            cursor.execute("UPDATE public.floor_checkpoint SET next_offset = next_offset + 1")
            cursor.execute("TRUNCATE stage")
            connection.commit()


def _consume(
    target_dsn: str, bootstrap: str, topic: str, rows: int, ready: threading.Event
) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "enable.auto.commit": False,
            "check.crcs": False,
            "fetch.wait.max.ms": 20,
            "queued.max.messages.kbytes": 131_072,
            "fetch.max.bytes": 104_857_600,
            "max.partition.fetch.bytes": 16_777_216,
            "fetch.queue.backoff.ms": 5,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    batches: queue.Queue[memoryview | None] = queue.Queue(3)
    applying = threading.Thread(target=_apply, args=(target_dsn, batches))
    applying.start()
    reader, seen = _Reader(), 0
    ready.set()
    while seen < rows:
        messages = consumer.consume(BATCH, 0.05)
        if messages:
            batches.put(_lines(reader.read([message.value() or b"" for message in messages])))
            seen += len(messages)
    batches.put(None)
    applying.join()
    consumer.close()


def measure(at: Databases, rows: int) -> float:
    """Move the table once; the target table is empty again afterwards.

    Returns:
        Rows per second, end to end.
    """
    topic = f"{at.name}-floor"
    admin = AdminClient({"bootstrap.servers": at.at.bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    with psycopg.connect(at.at.target_dsn) as target:
        target.execute(read("floor.sql"))
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    consumer = context.Process(
        target=_consume, args=(at.at.target_dsn, at.at.bootstrap, topic, rows, ready)
    )
    consumer.start()
    ready.wait(60)
    started = time.perf_counter()
    producer = context.Process(target=_produce, args=(at.at.source_dsn, at.at.bootstrap, topic))
    producer.start()
    producer.join()
    consumer.join()
    seconds = time.perf_counter() - started
    with psycopg.connect(at.at.target_dsn) as target:
        found = target.execute("SELECT count(*) FROM app.tasks").fetchall()
        if found != [(rows,)]:
            raise InvariantError("the floor does not write every row", table="app.tasks")
        target.execute("TRUNCATE app.tasks")
    return rows / seconds
