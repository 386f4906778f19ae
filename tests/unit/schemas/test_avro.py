import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import envelope
from schemas.avro_fields import float4_of
from schemas.avro_read import EnvelopeReader, frame_name, schema_id
from schemas.avro_write import RowEncoder, SourceInfo
from schemas.errors import ConfigError, InvariantError, RecordError
from schemas.event_id import EventId
from schemas.table import Column, Table
from tests import avro_reference
from tests.avro_reference import ReferenceEncoder
from tests.unit.schemas.rows import changes_of, columns_of, float4_text, tables

TOPIC = "clinic.public.t"
SOURCE = SourceInfo(version="0.1.0", name="clinic", db="legacy-é")
IDS = (7, 1 << 31)
PEOPLE = Table(
    schema="public",
    name="people",
    key=("id",),
    columns=(
        Column(name="id", type="integer", base="integer"),
        Column(name="note", type="text", base="text"),
    ),
)


def encoders(table: Table) -> tuple[RowEncoder, ReferenceEncoder]:
    return RowEncoder(table, *IDS, SOURCE), ReferenceEncoder(TOPIC, table, *IDS, SOURCE)


def assert_reads_like_fastavro(table: Table, values: list[bytes]) -> None:
    schema = json.loads(json.dumps(envelope.value_schema(TOPIC, table)))
    frame = EnvelopeReader(schema).read(values)
    expected = [
        {f"__{name}": value for name, value in row["ours"].items()}
        | {frame_name(name): value for name, value in row["legacy"].items()}
        for row in avro_reference.read(schema, values)
    ]
    # repr tells NaN from NULL, -0.0 from 0.0 and True from 1.
    assert repr(frame.rows(named=True)) == repr(
        [{name: row[name] for name in frame.columns} for row in expected]
    )


@given(st.data())
def test_a_snapshot_is_written_and_read_as_fastavro_does(data: st.DataObject) -> None:
    table = data.draw(tables())
    columns = data.draw(columns_of(table, data.draw(st.integers(0, 5))))
    columnar, reference = encoders(table)
    at = EventId(*data.draw(st.tuples(st.integers(0, 9), st.integers(0, 1 << 62), st.just(0))))
    pairs = columnar.snapshot(columns, at, 1_700_000_000_000)
    assert pairs == reference.snapshot(columns, at, 1_700_000_000_000)
    assert_reads_like_fastavro(table, [value for _, value in pairs])


@given(st.data())
def test_changes_are_written_and_read_as_fastavro_does(data: st.DataObject) -> None:
    table = data.draw(tables())
    changes = data.draw(changes_of(table))
    columnar, reference = encoders(table)
    pairs = columnar.changes(changes)
    assert pairs == reference.changes(changes)
    assert_reads_like_fastavro(table, [value for _, value in pairs if value is not None])


@given(st.integers(0, (1 << 32) - 1).map(float4_text) | st.from_regex(rb"\A-?\d{1,9}e-?[1-3]\d\Z"))
def test_a_float4_is_read_as_postgresql_reads_it(text: bytes) -> None:
    expected = avro_reference.float4(text)
    if abs(expected) != float("inf"):
        assert repr(float4_of(text)) == repr(expected)


def test_a_float4_that_double_precision_would_round_twice_is_exact() -> None:
    assert float4_of(b"7.038531e-26") == avro_reference.float4(b"7.038531e-26")
    assert float4_of(b"-7.038531e-26") == -avro_reference.float4(b"7.038531e-26")


def test_columns_of_different_lengths_are_refused() -> None:
    columnar, _ = encoders(PEOPLE)
    with pytest.raises(ValueError, match="zip"):
        columnar.snapshot([[b"1"], [b"a", b"b"]], EventId(1, 1, 0), 0)


def test_a_key_that_is_null_is_refused() -> None:
    columnar, _ = encoders(PEOPLE)
    with pytest.raises(InvariantError, match=r"key is NULL column=id table=public.people"):
        columnar.snapshot([[b"1", None], [b"a", b"b"]], EventId(1, 1, 0), 0)


def test_a_table_without_columns_that_travel_is_refused_by_name() -> None:
    generated = Column(name="sum", type="integer", base="integer", generated=True)
    table = Table(schema="public", name="empty", key=(), columns=(generated,))
    with pytest.raises(ConfigError, match=r"no column can be published table=public.empty"):
        RowEncoder(table, 1, 2, SOURCE)


def test_the_schema_id_of_a_datum_is_read_back() -> None:
    columnar, _ = encoders(PEOPLE)
    [(key, value)] = columnar.snapshot([[b"1"], [b"a"]], EventId(1, 1, 0), 0)
    assert (schema_id(key), schema_id(value)) == IDS


@pytest.mark.parametrize("datum", [b"", b"\0\0\0\0\1", b"{}......", b"\1\0\0\0\1\0"])
def test_what_is_not_in_the_wire_format_is_a_record_error(datum: bytes) -> None:
    with pytest.raises(RecordError, match="wire format"):
        schema_id(datum)


def test_values_of_two_schemas_are_not_read_together() -> None:
    first, _ = encoders(PEOPLE)
    second = RowEncoder(PEOPLE, 1, 2, SOURCE)
    values = [
        value
        for encoder in (first, second)
        for _, value in encoder.snapshot([[b"1"], [b"a"]], EventId(1, 1, 0), 0)
    ]
    with pytest.raises(RecordError, match="not written with its schema"):
        EnvelopeReader(envelope.value_schema(TOPIC, PEOPLE)).read(values)


@pytest.mark.parametrize("damage", [(0, -1), (0, -9), (0, -60), (0, 6)])
def test_a_datum_of_the_wrong_length_is_a_record_error(damage: tuple[int, int]) -> None:
    columnar, _ = encoders(PEOPLE)
    pairs = columnar.snapshot([[b"1", b"2"], [b"a", b"b"]], EventId(1, 1, 0), 0)
    values = [value for _, value in pairs]
    values[0] = values[0][slice(*damage)]
    with pytest.raises(RecordError, match="not written with its schema"):
        EnvelopeReader(envelope.value_schema(TOPIC, PEOPLE)).read(values)


@given(st.sets(st.text(min_size=1)))
def test_frame_names_never_meet_each_other_or_ours(columns: set[str]) -> None:
    found = {frame_name(column) for column in columns | {"__op", "__op_", "op", "__lsn"}}
    assert len(found) == len(columns | {"__op", "__op_", "op", "__lsn"})
    assert not found & {"__epoch", "__lsn", "__ordinal", "__op", "__unavailable", "__source_ms"}
