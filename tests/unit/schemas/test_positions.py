import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import positions
from schemas.errors import InvariantError
from schemas.event_id import EventId
from schemas.positions import Marker, Record, Truncate

numbers = st.integers(0, 1 << 62)
KINDS = (
    positions.Intent,
    positions.Position,
    positions.Chunk,
    positions.SnapshotEnd,
    positions.Marker,
    positions.Truncate,
    positions.SchemaText,
)
records = st.one_of(*(st.from_type(kind) for kind in KINDS))


@given(records)
def test_a_record_reads_back_from_its_bytes(record: Record) -> None:
    key, value = positions.encode(record)
    assert key.decode() == positions.key(record)
    assert positions.decode(key, value) == record


@given(records)
def test_a_newer_version_is_refused(record: Record) -> None:
    key, value = positions.encode(record)
    newer = json.dumps({**json.loads(value), "v": positions.VERSION + 1}).encode()
    with pytest.raises(InvariantError, match="unknown kind or version"):
        positions.decode(key, newer)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"position", b"not JSON"),
        (b"position", b"\xff"),
        (b"position", b"[]"),
        (b"position", b"null"),
        (b"position", b'{"epoch": 1}'),
        (b"position", b'{"v": 1, "epoch": 1}'),
        (b"position", b'{"v": 1, "ends": 3}'),
        (b"horoscope/1", b'{"v": 1}'),
        (b"\xff\xfe", b'{"v": 1}'),
    ],
)
def test_what_somebody_else_wrote_is_refused(key: bytes, value: bytes) -> None:
    with pytest.raises(InvariantError, match="record of the positions topic"):
        positions.decode(key, value)


def test_a_heartbeat_replaces_the_last_one_and_a_marker_does_not() -> None:
    def marker(name: str) -> Marker:
        return Marker(id=name, epoch=0, lsn=1, source_ms=2, ends={})

    assert positions.key(marker("heartbeat")) == "heartbeat"
    assert positions.key(marker("cutover-1")) == "marker/cutover-1"


def test_a_truncation_knows_its_event_id() -> None:
    truncated = Truncate(table="public.t", topic="c.public.t", epoch=1, lsn=2, ordinal=3)
    assert truncated.event_id == EventId(1, 2, 3)
