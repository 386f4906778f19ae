"""Messages of pgoutput, protocol version 1, to rows; pure, and without an object per row.

A row is a list with one item a column of its Relation message: bytes as PostgreSQL printed them,
None for NULL, and the very object UNCHANGED where the server did not send the value (TOAST).
Source: PostgreSQL manual, "Logical Replication Message Formats".
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import InvariantError

# Compared by identity, never by value: no value of a row is this object.
UNCHANGED = b"unchanged TOAST value"

Row = list[bytes | None]

# Kinds of messages, by their first byte.
BEGIN, COMMIT, RELATION, INSERT, UPDATE, DELETE = b"BCRIUD"
TRUNCATE, MESSAGE, TYPE, ORIGIN = b"TMYO"

_OLD_KEY, _OLD_ROW, _NEW = b"KON"
_NULL, _TEXT, _UNCHANGED = b"ntu"
# What stands in front of a text of less than 64 kB: its mark, and the upper half of its length.
_SHORT_TEXT = b"t\0\0"
_SHORT_SIZE = 1 << 16
_WRITES = frozenset({INSERT, UPDATE})
_MARKS = {_NULL: None, _UNCHANGED: UNCHANGED}

_BEGIN = struct.Struct("!xQqI")
_COMMIT = struct.Struct("!xBQQq")
_OID = struct.Struct("!xI")
_COUNT = struct.Struct("!H")
_LENGTH = struct.Struct("!I")
_TYPE = struct.Struct("!Ii")
_MESSAGE = struct.Struct("!xBQ")
_TRUNCATE = struct.Struct("!xIB")

# PostgreSQL counts microseconds from 2000-01-01.
_EPOCH_MS = 946_684_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction that committed: LSN of its commit record, its id and its commit time."""

    lsn: int
    xid: int
    ts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationColumn:
    """One column of a relation; `key` says that an old tuple shows it."""

    name: str
    type_oid: int
    type_modifier: int
    key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table as it was when the rows that follow were written."""

    oid: int
    schema: str
    name: str
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What pg_logical_emit_message wrote."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


def begin(data: bytes) -> Transaction:
    """Read a Begin message."""
    lsn, microseconds, xid = _BEGIN.unpack(data)
    return Transaction(lsn=lsn, xid=xid, ts_ms=_EPOCH_MS + microseconds // 1000)


def commit_end(data: bytes) -> int:
    """The end LSN of the transaction that a Commit message closes."""
    end: int = _COMMIT.unpack(data)[2]
    return end


def relation_oid(data: bytes) -> int:
    """The relation that an Insert, Update or Delete message is about."""
    oid: int = _OID.unpack_from(data)[0]
    return oid


def relation(data: bytes) -> Relation:
    """Read a Relation message."""
    (oid,) = _OID.unpack_from(data)
    schema, at = _string(data, _OID.size)
    name, at = _string(data, at)
    (count,) = _COUNT.unpack_from(data, at + 1)
    at += 1 + _COUNT.size
    columns = []
    for _ in range(count):
        column, after = _string(data, at + 1)
        type_oid, modifier = _TYPE.unpack_from(data, after)
        columns.append(
            RelationColumn(
                name=column, type_oid=type_oid, type_modifier=modifier, key=bool(data[at] & 1)
            )
        )
        at = after + _TYPE.size
    # pg_catalog is written as the empty string.
    return Relation(oid=oid, schema=schema or "pg_catalog", name=name, columns=tuple(columns))


def message(data: bytes) -> Message:
    """Read a logical message."""
    flags, lsn = _MESSAGE.unpack_from(data)
    prefix, at = _string(data, _MESSAGE.size)
    (length,) = _LENGTH.unpack_from(data, at)
    content = data[at + _LENGTH.size : at + _LENGTH.size + length]
    return Message(transactional=bool(flags & 1), lsn=lsn, prefix=prefix, content=content)


def truncated(data: bytes) -> tuple[int, ...]:
    """The relations that a Truncate message names."""
    count, _ = _TRUNCATE.unpack_from(data)
    return struct.unpack_from(f"!{count}I", data, _TRUNCATE.size)


def head(data: bytes) -> bytes:
    """Kind and relation of a message about a row, and which tuple comes first; messages of a run share it."""
    return data[:6]


def brings_new_rows(head: bytes) -> bool:
    """Whether messages with such a head are Inserts, or Updates that show no old row."""
    return head[0] in _WRITES and head[-1] == _NEW


def new_rows(run: Sequence[bytes]) -> list[Row]:
    """The new rows of messages that `brings_new_rows`."""
    return [_last_tuple(data, 6) for data in run]


def updated(data: bytes) -> tuple[Row, Row, bool]:
    """Old and new row of an Update message, and whether the old one is whole.

    Where it is not, only the columns of the replica identity stand in it.
    """
    kind = data[5]
    old, at = _tuple(data, 6)
    if data[at] != _NEW:
        raise InvariantError("an Update message has no new row")
    return old, _last_tuple(data, at + 1), kind == _OLD_ROW


def deleted(data: bytes) -> Row:
    """The old row of a Delete message: whole, or the columns of the replica identity."""
    row, _ = _tuple(data, 6)
    return row


def _last_tuple(data: bytes, at: int) -> Row:
    """Read TupleData that its message ends with; the hot path of the tail, so it is cut at all marks in one call.

    No text of PostgreSQL has a zero byte. So in a message that is too short for a long text, the mark of a text and two
    zero bytes stand nowhere but in front of a text: a length whose bytes look like them is not followed by a third.
    """
    if len(data) >= _SHORT_SIZE:
        return _tuple(data, at)[0]
    marks, *texts = data[at + 2 :].split(_SHORT_TEXT)
    if len(texts) == data[at] << 8 | data[at + 1]:
        return [text[2:] for text in texts]
    row = _absent(marks)
    for text in texts:
        end = 2 + (text[0] << 8 | text[1])
        row.append(text[2:end])
        if end < len(text):
            row += _absent(text[end:])
    return row


def _absent(marks: bytes) -> Row:
    """What stands for columns without a text."""
    try:
        return [_MARKS[mark] for mark in marks]
    except KeyError as error:
        raise InvariantError("a column has an unknown format", kind=error.args[0]) from error


def _tuple(data: bytes, at: int) -> tuple[Row, int]:
    """Read TupleData; returns it and the place after it."""
    length_at = _LENGTH.unpack_from
    row: Row = []
    add = row.append
    count = data[at] << 8 | data[at + 1]
    at += 2
    for _ in range(count):
        kind = data[at]
        if kind == _TEXT:
            start = at + 5
            at = start + length_at(data, at + 1)[0]
            add(data[start:at])
        elif kind == _NULL:
            add(None)
            at += 1
        elif kind == _UNCHANGED:
            add(UNCHANGED)
            at += 1
        else:
            raise InvariantError("a column has an unknown format", kind=kind)
    return row, at


def _string(data: bytes, at: int) -> tuple[str, int]:
    """Read a NUL-terminated string; returns it and the place after it."""
    end = data.index(0, at)
    return data[at:end].decode(), end + 1
