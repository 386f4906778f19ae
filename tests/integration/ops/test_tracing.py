"""The spans of a pipeline that runs: each batch, stage by stage, and no value of a row."""

import time

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ops import wiring
from ops.stack.state import Endpoints
from ops.tracing import following
from tests.integration.ops.parts import DEADLINE_S, running
from tests.shop import Shop


def test_each_batch_is_followed_through_all_stages_and_no_span_tells_a_value(
    empty_shop: Shop, endpoints: Endpoints
) -> None:
    shop, kept = empty_shop, InMemorySpanExporter()
    shop.source("INSERT INTO customers VALUES (1, 'Grace Hopper', NULL, '2020-02-02 12:00')")
    migration = wiring.read(shop.folder)
    with (
        following(kept, "shop", "test"),
        running(wiring.capture(migration, endpoints)),
        running(wiring.worker(migration, endpoints)),
    ):
        arrived(shop, 1)
        shop.source("INSERT INTO customers VALUES (2, 'Grace Hopper', NULL, '2020-02-02 12:00')")
        arrived(shop, 2)
    spans = kept.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans if span.context}
    stages = {(span.parent and by_id[span.parent.span_id].name, span.name) for span in spans}
    assert stages == {
        (None, "read"), ("read", "encode"), ("read", "produce"),
        (None, "decode"), ("decode", "transform"), ("decode", "apply"),
    }  # fmt: skip
    assert sum(span.name == "apply" for span in spans) >= 2
    assert not any("Grace" in span.to_json() for span in spans)


def arrived(shop: Shop, rows: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while shop.read("SELECT count(*) FROM shop.customers") != [(rows,)]:
        assert time.monotonic() < deadline
