"""The one producer: partitions as Java chooses them, and a queue that may be full."""

import time

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from producers import topics
from producers.topics import Topic
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source, TableReader

pytestmark = pytest.mark.integration


def test_case_063_a_full_queue_makes_capture_wait_and_drops_and_reorders_nothing(
    source: Source, pipeline: Pipeline, table_of: TableReader
) -> None:
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY, n int)")
    source.execute("INSERT INTO public.t SELECT i, 0 FROM generate_series(1, 3000) i")
    narrow = pipeline.with_tables(
        "public.t", kafka_options={"queue.buffering.max.messages": 100, "linger.ms": 1}
    )
    with narrow.running() as capture:
        narrow.snapshot_done(capture)
        for _ in range(3):
            source.execute("UPDATE public.t SET n = n + 1")
        narrow.drain(source)
    assert narrow.rows() == table_of("public.t")
    by_key: dict[object, list[object]] = {}
    for event in narrow.events():
        by_key.setdefault(event.key, []).append(event.row["n"])
    assert set(map(tuple, by_key.values())) == {(0, 1, 2, 3)}


def test_a_key_goes_to_the_partition_that_murmur2_gives_it_anywhere(
    source: Source, pipeline: Pipeline, bootstrap: str, prefix: str
) -> None:
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY)")
    source.execute("INSERT INTO public.t SELECT generate_series(1, 500)")
    pipeline = pipeline.with_tables("public.t")
    with pipeline.running() as capture:
        pipeline.snapshot_done(capture)
    ours = {m.key(): m.partition() for m in history.messages(bootstrap, f"{prefix}.public.t")}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    other = Topic(name=f"{prefix}.other", partitions=2, record_bytes_max=1_000_000)
    topics.create(admin, [other], 1)
    topics.end_offsets(admin, [other])
    theirs: dict[object, object] = {}

    def report(error: object, message: Message) -> None:
        assert error is None
        theirs[message.key()] = message.partition()

    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for key in ours:
        producer.produce(other.name, key=key, on_delivery=report)
    deadline = time.monotonic() + history.DEADLINE_S
    while len(producer) and time.monotonic() < deadline:
        producer.poll(0.1)
    assert theirs == ours
    assert set(ours.values()) == {0, 1}
