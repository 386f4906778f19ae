import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ops.document import topics
from ops.document.messages import POSITIONS
from ops.document.model import Model
from ops.document.printing import WIDTH, printed
from schemas import positions
from tests.unit.ops.document.asyncapi import require_valid

ENDS = {"desk.public.visits": {0: 7}}
RECORDS: tuple[positions.Record, ...] = (
    positions.Intent(suffix="x", epoch=1),
    positions.Position(epoch=1, lsn=2, consistent_point=1, system_identifier="7", timeline=1, ends=ENDS),
    positions.Chunk(table="public.a", number=3, lower=None, upper="9", rows=4, lsn=5),
    positions.SnapshotEnd(table="public.a", topic="t", epoch=1, lsn=5, rows=4, ends=ENDS),
    positions.Marker(id="heartbeat", epoch=1, lsn=5, source_ms=6, ends=ENDS),
    positions.Marker(id="cutover", epoch=1, lsn=5, source_ms=6, ends=ENDS),
    positions.Truncate(table="public.a", topic="t", epoch=1, lsn=5, ordinal=2),
    positions.SchemaText(id=4, subject="t-value", text="{}"),
)  # fmt: skip


def test_the_contract_is_asyncapi_and_its_avro_schemas_are_avro(model: Model) -> None:
    contract = require_valid(topics.document(model))
    assert set(contract.channels) == {
        "desk.public.aerzte", "desk.public.visits", "desk.understudy",
    }  # fmt: skip
    assert contract.channels["desk.public.visits"].bindings.kafka.partitions == 2
    assert contract.channels["desk.public.aerzte"].bindings.kafka.partitions is None
    policies = {name: c.bindings.kafka.topicConfiguration for name, c in contract.channels.items()}
    assert policies["desk.understudy"].policy == ["compact"]
    assert policies["desk.public.visits"].policy == ["delete"]
    assert policies["desk.public.visits"].retention_ms == -1


def test_the_capture_sends_and_the_consumer_of_each_entity_receives(model: Model) -> None:
    contract = require_valid(topics.document(model))
    found = {name: (it.action, it.channel.ref) for name, it in contract.operations.items()}
    assert found == {
        "capture.desk.public.aerzte": ("send", "#/channels/desk.public.aerzte"),
        "capture.desk.public.visits": ("send", "#/channels/desk.public.visits"),
        "capture.desk.understudy": ("send", "#/channels/desk.understudy"),
        "apply.doctors": ("receive", "#/channels/desk.public.aerzte"),
        "apply.titles": ("receive", "#/channels/desk.public.aerzte"),
        "apply.visits": ("receive", "#/channels/desk.public.visits"),
        "follow": ("receive", "#/channels/desk.understudy"),
    }


def test_a_key_has_the_columns_of_the_primary_key_in_its_order(model: Model) -> None:
    contract = require_valid(topics.document(model))
    for name in ("desk.public.visits", "desk.public.visits.tombstone"):
        key = contract.components.messages[name].bindings.kafka.key
        assert [field["name"] for field in key["fields"]] == ["id", "part"]


@pytest.mark.parametrize("record", RECORDS, ids=positions.key)
def test_a_record_of_the_positions_topic_is_as_the_contract_says(
    record: positions.Record, model: Model
) -> None:
    key, value = positions.encode(record)
    message = require_valid(topics.document(model)).components.messages[type(record).__name__]
    assert re.search(message.bindings.kafka.key["pattern"], key.decode())
    written = json.loads(value)
    assert set(written) == set(message.payload["properties"]) == set(message.payload["required"])


def test_every_kind_of_position_is_in_the_contract() -> None:
    assert {type(record) for record in RECORDS} == set(POSITIONS)


def test_what_is_no_asyncapi_is_refused(model: Model) -> None:
    """The judge itself: a word that nobody knows, a reference to nowhere, an Avro schema that is none."""
    for path, wrong in (
        (("info", "owner"), "me"),
        (("channels", "desk.understudy", "messages", "Intent", "$ref"), "#/components/messages/no"),
        (("components", "schemas", "desk.public.aerzte-value", "schema", "type"), "recorded"),
    ):
        document: Any = json.loads(printed(topics.document(model)))
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        with pytest.raises((ValidationError, KeyError, ValueError)):
            require_valid(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_is_printed_reads_back(value: object) -> None:
    assert json.loads(printed(value)) == value


def test_what_fits_stands_on_one_line() -> None:
    value = {"short": ["a"] * 5, "long": ["a" * 50] * 5}
    lines = printed(value).splitlines()
    assert ' "short": ["a", "a", "a", "a", "a"],' in lines
    assert max(map(len, lines)) <= WIDTH
