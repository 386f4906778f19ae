"""The checker reads the topics, and finds what differs from the source."""

import io
import json
import urllib.request
from typing import Any

import fastavro
import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from examples.clinic.load import FOUNDATION, create_source
from tests.checker.entities import CLINIC
from tests.checker.topics import Endpoints, check_topics

PRODUCTS = next(entity for entity in CLINIC if entity.name == "products")
COLUMNS = ("sku", "name", "price_cents", "currency", "vat_code", "attrs", "discontinued")
NUMBERS = {"price_cents", "vat_code"}
FIELDS = [
    {"name": name, "type": ["null", "int" if name in NUMBERS else "string"]} for name in COLUMNS
]
KEY = {"type": "record", "name": "Key", "fields": [{"name": "sku", "type": "string"}]}
SOURCE_FIELDS = [{"name": "lsn", "type": "long"}, {"name": "epoch", "type": "int"}]
ENVELOPE = {
    "type": "record",
    "name": "Envelope",
    "fields": [
        {"name": "after", "type": ["null", {"type": "record", "name": "Value", "fields": FIELDS}]},
        {"name": "source", "type": {"type": "record", "name": "Source", "fields": SOURCE_FIELDS}},
        {"name": "transaction", "type": ["null", "string"]},
        {"name": "op", "type": "string"},
        {"name": "unavailable", "type": ["null", {"type": "array", "items": "string"}]},
    ],
}
Row = dict[str, Any]


class Feed:
    """Writes records of products into their topic as a capture would."""

    def __init__(self, endpoints: Endpoints, pipeline: str) -> None:
        self.topic = f"{pipeline}.public.products"
        admin = AdminClient({"bootstrap.servers": endpoints.bootstrap})
        for created in admin.create_topics([NewTopic(self.topic, num_partitions=2)]).values():
            created.result()
        self._producer = Producer({"bootstrap.servers": endpoints.bootstrap})
        self._key_id = _register(endpoints.registry, f"{self.topic}-key", KEY)
        self._value_id = _register(endpoints.registry, f"{self.topic}-value", ENVELOPE)

    def send(self, row: Row, *, lsn: int = 1, partition: int = 0, deleted: bool = False) -> None:
        key = _encode(self._key_id, KEY, {"sku": row["sku"]})
        value = {
            "after": None if deleted else row,
            "source": {"lsn": lsn, "epoch": 1},
            "transaction": None,
            "op": "d" if deleted else "r",
            "unavailable": None,
        }
        self._producer.produce(
            self.topic, _encode(self._value_id, ENVELOPE, value), key, partition=partition
        )
        if deleted:
            self._producer.produce(self.topic, None, key, partition=partition)

    def flush(self) -> None:
        assert self._producer.flush(10) == 0


def _register(registry: str, subject: str, schema: Row) -> int:
    request = urllib.request.Request(  # noqa: S310 - the test's own registry.
        f"{registry}/subjects/{subject}/versions",
        json.dumps({"schema": json.dumps(schema)}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - likewise.
        return int(json.load(response)["id"])


def _encode(schema_id: int, schema: Row, value: Row) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), value)
    return b"\0" + schema_id.to_bytes(4) + body.getvalue()


@pytest.fixture
def endpoints(bootstrap: str, registry_url: str) -> Endpoints:
    return Endpoints(bootstrap=bootstrap, registry=registry_url)


@pytest.fixture
def rows(source_database: str) -> list[Row]:
    """The products of the source; eight of them."""
    create_source(source_database, 0.02, 1, domains=(FOUNDATION,))
    with psycopg.connect(source_database) as connection:
        found = connection.execute(
            "SELECT sku, name, price_cents, currency, vat_code, attrs::text, discontinued::text"
            " FROM products ORDER BY sku"
        ).fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def test_topics_that_end_in_the_source_are_clean(
    endpoints: Endpoints, source_database: str, prefix: str, rows: list[Row]
) -> None:
    feed = Feed(endpoints, prefix)
    feed.send({**rows[0], "sku": "gone"})
    feed.send({**rows[0], "sku": "gone"}, lsn=2, deleted=True)
    for row in rows:
        feed.send(row, lsn=3)
        feed.send({**row, "name": "an older row, sent again"}, lsn=2)
    feed.flush()
    assert check_topics(source_database, endpoints, prefix, (PRODUCTS,)) == []


def test_each_fault_of_a_topic_is_found_and_named(
    endpoints: Endpoints, source_database: str, prefix: str, rows: list[Row]
) -> None:
    feed = Feed(endpoints, prefix)
    absent, deleted, changed, split, *others = rows
    feed.send(deleted, deleted=True)
    feed.send({**changed, "name": changed["name"] + "x"})
    feed.send(split)
    feed.send(split, partition=1)
    feed.send({**absent, "sku": "too much"})
    for row in others:
        feed.send(row)
    feed.flush()
    problems = check_topics(source_database, endpoints, prefix, (PRODUCTS,))
    assert {problem.key: problem.detail for problem in problems} == {
        absent["sku"]: "no record",
        deleted["sku"]: "the last record is a delete",
        changed["sku"]: "the last record differs in name",
        split["sku"]: "records in several partitions",
        "too much": "the last record is no delete, the source has no such row",
    }
