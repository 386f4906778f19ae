"""Random tables and rows, as PostgreSQL would print them."""

import struct
from typing import Any

from hypothesis import strategies as st

from schemas.avro_write import Changes
from schemas.table import Column, Table
from tests.avro_reference import float4

_AWKWARD_NAMES = (
    "__op",
    "__op_",
    "a.b",
    'a"b',
    "select",
    "1st",
    "%s",
    "back\\slash",
    "_u0041_",
    "é",
)
_characters = st.characters(codec="utf-8", exclude_characters="\0")
column_names = st.sampled_from(_AWKWARD_NAMES) | st.text(_characters, min_size=1, max_size=12)


def _integer(bits: int) -> st.SearchStrategy[bytes]:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    numbers = st.sampled_from((low, high, 0, -1, 63, 64, -65, 9999)) | st.integers(low, high)
    return numbers.map(lambda number: b"%d" % number)


def float4_text(bits: int) -> bytes:
    """The shortest text that reads back, as PostgreSQL prints it."""
    number = struct.unpack("<f", struct.pack("<I", bits))[0]
    texts = (f"{number:.{digits}g}".encode() for digits in range(1, 10))
    return next((text for text in texts if float4(text) == number), b"NaN")


_specials = st.sampled_from((b"NaN", b"Infinity", b"-Infinity", b"-0", b"0", b"7.038531e-26"))
_denormal8 = st.just(b"5e-324")
_texts = st.sampled_from(("", "'", '"', "\\N", "\t\n\r", "{}", "x" * 16_400)) | st.text(_characters)
_TEXTS: dict[str, st.SearchStrategy[bytes]] = {
    "boolean": st.sampled_from((b"t", b"f")),
    "smallint": _integer(16),
    "integer": _integer(32),
    "bigint": _integer(64),
    "real": _specials | st.integers(0, (1 << 32) - 1).map(float4_text),
    "double precision": _specials | _denormal8 | st.floats().map(lambda n: repr(n).encode()),
    "bytea": st.binary(max_size=300).map(lambda raw: b"\\x" + raw.hex().encode()),
    "text": _texts.map(str.encode),
    "numeric(12,2)": st.sampled_from((b"NaN", b"-0.10", b"1.50", b"9999999999.99")),
    "jsonb": st.sampled_from((b"null", b'{"a": 1e400}', b"[]")),
}


_moved_keys = st.lists(st.text(_characters), min_size=1, max_size=3).map(tuple)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of one to six columns, some of them its key."""
    found = draw(st.lists(column_names, min_size=1, max_size=6, unique=True))
    types = [draw(st.sampled_from(sorted(_TEXTS))) for _ in found]
    columns = tuple(Column(name=n, type=t, base=t) for n, t in zip(found, types, strict=True))
    key = draw(st.lists(st.sampled_from(found), max_size=3, unique=True))
    schema, name = draw(column_names), draw(column_names)
    return Table(schema=schema, name=name, columns=columns, key=tuple(key))


@st.composite
def columns_of(draw: st.DrawFn, table: Table, count: int) -> list[list[bytes | None]]:
    """Texts of a number of rows, column by column; the key is never NULL."""
    columns = []
    for column in table.columns:
        texts: Any = _TEXTS[column.base]
        if column.name not in table.key:
            texts = texts | st.none()
        columns.append(draw(st.lists(texts, min_size=count, max_size=count)))
    return columns


@st.composite
def changes_of(draw: st.DrawFn, table: Table) -> Changes:
    """Some changes of a table: any operations, transactions and unavailable columns."""
    ops = draw(st.lists(st.sampled_from((b"c", b"u", b"d")), min_size=1, max_size=6))
    count = len(ops)
    others = [column.name for column in table.columns if column.name not in table.key]
    partial = (
        st.none() | st.lists(st.sampled_from(others), unique=True).map(tuple)
        if others
        else st.none()
    )

    def each(texts: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(texts, min_size=count, max_size=count))

    return Changes(
        op=ops,
        before=draw(columns_of(table, count)) if b"d" in ops else None,
        after=draw(columns_of(table, count)),
        epoch=draw(st.integers(0, (1 << 31) - 1)),
        commit_lsn=each(st.integers(1, (1 << 62))),
        ordinal=each(st.integers(1, 1 << 40)),
        xid=each(st.integers(1, (1 << 32) - 1)),
        ts_ms=each(st.integers(0, 1 << 45)),
        unavailable=[
            None if op == b"d" else names for op, names in zip(ops, each(partial), strict=True)
        ],
        moved_to=draw(st.dictionaries(st.integers(0, count - 1), _moved_keys)),
    )
