"""Records of a batch to columns: tombstones are counted only, older schemas are laid over the newest table."""

import polars as pl
import pytest

from consumers import decoding
from consumers.buffer import Load, Run
from schemas import envelope
from schemas.avro_read import EnvelopeReader
from schemas.avro_write import Changes, RowEncoder, SourceInfo
from schemas.errors import RecordError
from schemas.event_id import EventId
from schemas.table import Column, Table

INFO = SourceInfo(version="test", name="p", db="legacy")


def table(**columns: str) -> Table:
    found = tuple(Column(name=name, type=kind, base=kind) for name, kind in columns.items())
    return Table(schema="public", name="notes", columns=found, key=("id",))


OLD = table(id="integer", body="text")
NEW = table(id="bigint", body="text", __mood="text")
TABLES = {7: OLD, 300: NEW}


def reader(schema_id: int) -> EnvelopeReader:
    return EnvelopeReader(envelope.value_schema("p.public.notes", TABLES[schema_id]))


def encoder(schema_id: int) -> RowEncoder:
    return RowEncoder(TABLES[schema_id], 1, schema_id, INFO)


def rows(schema_id: int, *columns: list[bytes | None]) -> list[bytes | None]:
    return [value for _, value in encoder(schema_id).snapshot(columns, EventId(1, 10, 0), 5)]


def delete(schema_id: int, key: bytes) -> list[bytes | None]:
    columns: list[list[bytes | None]] = [[None] for _ in TABLES[schema_id].columns]
    columns[0] = [key]
    changes = Changes(
        op=[b"d"],
        before=columns,
        after=columns,
        epoch=1,
        commit_lsn=[20],
        ordinal=[3],
        xid=[1],
        ts_ms=[5],
        unavailable=[None],
    )
    return [value for _, value in encoder(schema_id).changes(changes)]


def load(*runs: tuple[int, int, list[bytes | None]]) -> Load:
    made = [
        Run(partition=p, offsets=range(first, first + len(values)), values=values, size=0)
        for p, first, values in runs
    ]
    return Load(runs=tuple(made), stretches=(), records=0)


def frame_of(batch: Load, newest: Table) -> pl.DataFrame:
    return decoding.laid_over(decoding.read(batch, reader), newest)


def test_rows_know_their_partition_and_offset() -> None:
    batch = load((0, 5, rows(7, [b"1", b"2"], [b"a", None])), (3, 8, rows(7, [b"3"], [b"c"])))
    frame = frame_of(batch, OLD)
    found = frame.select("__partition", "__offset", "id", "body").rows()
    assert found == [(0, 5, 1, "a"), (0, 6, 2, None), (3, 8, 3, "c")]


def test_tombstones_are_left_out() -> None:
    batch = load((0, 5, [*delete(7, b"1"), *rows(7, [b"2"], [b"b"])]))
    assert len(batch.runs[0].values) == 3
    frame = frame_of(batch, OLD)
    assert frame.select("__offset", "__op", "id").rows() == [(5, "d", 1), (7, "r", 2)]


def test_a_batch_of_tombstones_has_no_schema() -> None:
    assert decoding.read(load((0, 5, [None, None])), reader) == {}


def test_columns_that_an_older_schema_lacks_are_unavailable_and_not_null() -> None:
    old, new = rows(7, [b"1"], [b"a"]), rows(300, [b"5000000000"], [b"b"], [None])
    batch = load((0, 5, [*new, *old, *delete(7, b"3")]))
    frame = frame_of(batch, NEW).sort("__offset")
    found = frame.select("id", "body", "__mood", "__unavailable").rows()
    assert found == [
        (5_000_000_000, "b", None, None),
        (1, "a", None, ["__mood"]),
        (3, None, None, None),
    ]


def test_a_batch_of_an_older_schema_alone_has_the_columns_of_the_newest() -> None:
    frame = frame_of(load((0, 5, rows(7, [b"1"], [b"a"]))), NEW)
    assert frame.columns[-3:] == ["id", "body", "__mood"]
    assert frame["__unavailable"].to_list() == [["__mood"]]


def test_a_column_that_is_gone_is_left_out() -> None:
    frame = frame_of(load((0, 5, rows(300, [b"1"], [b"a"], [b"m"]))), OLD)
    assert frame.columns[-2:] == ["id", "body"]


@pytest.mark.parametrize("value", [b"", b"\0\0\0\0\7", b"\1\0\0\0\7abc"])
def test_a_record_that_is_not_in_the_wire_format_is_refused(value: bytes) -> None:
    with pytest.raises(RecordError):
        decoding.read(load((0, 5, [value])), reader)


def test_the_newest_schema_is_that_of_the_highest_event_id() -> None:
    of_a_snapshot, of_the_tail = rows(300, [b"1"], [b"a"], [b"m"]), delete(7, b"1")
    parts = decoding.read(load((0, 5, [*of_the_tail, *of_a_snapshot])), reader)
    assert decoding.newest(parts) == (EventId(1, 20, 3), 7)
