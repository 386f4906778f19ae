"""Columns of PostgreSQL text to Avro datums, without an object per row.

Each column becomes a list of encoded fields (`avro_fields`), and a row is one join across the
lists. All datums carry the wire format of the schema registries: a zero byte and the schema's id
in four bytes. What is written equals what fastavro writes for the same schema, byte for byte.
Source: Debezium documentation, "PostgreSQL connector, data change events"; Confluent
documentation, "Wire format".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, repeat

from schemas.avro_fields import (
    ENCODERS,
    NULL,
    PRESENT,
    Texts,
    encode_long,
    encode_names,
    encode_text,
)
from schemas.envelope import UNAVAILABLE_PLACEHOLDER, avro_type, published
from schemas.errors import ConfigError, InvariantError
from schemas.event_id import EventId
from schemas.table import Column, Table

Pair = tuple[bytes, bytes | None]

CONNECTOR = "postgresql"
_DELETE = b"d"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What stands in each `source`: version of understudy, name of the pipeline, database."""

    version: str
    name: str
    db: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Row changes of one table in commit order, as parallel columns.

    Attributes:
        op: b"c", b"u" or b"d" of each change.
        before: Columns in the order of `published`, read only where op is b"d": the key, and NULL
            where the server sent nothing. None if no change is a delete; `after` itself if its
            columns hold the image of each change, old or new.
        after: Columns in the order of `published`; where op is b"d" they are not read.
        epoch: Of all changes.
        commit_lsn: LSN of the commit of each change.
        ordinal: Of each change within its transaction, from 1.
        xid: Transaction id of each change.
        ts_ms: Commit time of each change, milliseconds since 1970.
        unavailable: Names of the columns that the server did not send, for each change; what
            `after` holds there is not read.
        moved_to: By the place of a delete that is half of a key change: the texts of the new key.
    """

    op: Sequence[bytes]
    before: Sequence[Texts] | None
    after: Sequence[Texts]
    epoch: int
    commit_lsn: Sequence[int]
    ordinal: Sequence[int]
    xid: Sequence[int]
    ts_ms: Sequence[int]
    unavailable: Sequence[tuple[str, ...] | None]
    moved_to: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class RowEncoder:
    """Encodes the rows of one table for one pair of registered schemas."""

    def __init__(self, table: Table, key_id: int, value_id: int, source: SourceInfo) -> None:
        """Prepare an encoder per column and everything that is the same in each row.

        Args:
            table: As it was when the schemas were registered.
            key_id: Registry id of `envelope.key_schema`.
            value_id: Registry id of `envelope.value_schema`.
            source: Goes into each row.

        Raises:
            ConfigError: The table has no column that travels.
        """
        columns = published(table)
        if not columns:
            remedy = "Leave the table out, or give it a column that is not generated."
            raise ConfigError("no column can be published", table=table.label, remedy=remedy)
        self._table = table
        self._encoders = [ENCODERS[avro_type(column)] for column in columns]
        self._position = {column.name: position for position, column in enumerate(columns)}
        self._absent = [_absent(column) for column in columns]
        self._key_head = wire_prefix(key_id)
        self._value_head = wire_prefix(value_id)
        self._product = b"".join(map(encode_text, (source.version, CONNECTOR, source.name)))
        self._place = b"".join(map(encode_text, (source.db, table.schema, table.name)))

    def snapshot(
        self, columns: Sequence[Texts], at: EventId, ts_ms: int
    ) -> list[tuple[bytes, bytes]]:
        """Encode rows of a snapshot.

        Args:
            columns: In the order of `published`, all of one length.
            at: Consistent point that the rows belong to.
            ts_ms: When they were read, milliseconds since 1970.

        Returns:
            Key and value datum of each row, in the order of the rows.

        Raises:
            InvariantError: A column of the key is NULL.
        """
        fields = self._fields(columns)
        count = len(fields[0])
        opening = self._value_head + NULL + PRESENT
        source = self._source(at, ts_ms, snapshot="true", xid=None)
        closing = source + NULL + encode_text("r") + PRESENT + encode_long(ts_ms) + NULL + NULL
        rows = zip(repeat(opening, count), *fields, repeat(closing, count), strict=True)
        return list(zip(self._keys(fields), map(b"".join, rows), strict=True))

    def changes(self, changes: Changes) -> list[Pair]:
        """Encode changes of the tail.

        Returns:
            Key and value datum of each change, in their order; a delete is followed by its
            tombstone (key, None).

        Raises:
            InvariantError: A column of the key is NULL.
        """
        fields = self._fields(_images(changes))
        keys = self._keys(fields)
        self._lay_placeholders(fields, changes.unavailable)
        written, deleted = self._value_head + NULL + PRESENT, self._value_head + PRESENT
        openings = [deleted if op == _DELETE else written for op in changes.op]
        rows = zip(openings, *fields, self._origins(changes), strict=True)
        return _with_tombstones(changes.op, keys, list(map(b"".join, rows)))

    def _fields(self, columns: Sequence[Texts]) -> list[list[bytes]]:
        return [encode(column) for encode, column in zip(self._encoders, columns, strict=True)]

    def _keys(self, fields: list[list[bytes]]) -> list[bytes]:
        """Key datums: the fields of the key without their branch, for a key has no NULL."""
        parts = [fields[self._position[name]] for name in self._table.key]
        for name, part in zip(self._table.key, parts, strict=True):
            if NULL in part:
                table = self._table.label
                raise InvariantError("a column of the key is NULL", table=table, column=name)
        head = self._key_head
        if len(parts) == 1:
            return [head + field[1:] for field in parts[0]]
        bare = [[field[1:] for field in part] for part in parts]
        return list(map(b"".join, zip(repeat(head, len(fields[0])), *bare, strict=True)))

    def _source(self, at: EventId, ts_ms: int, *, snapshot: str, xid: int | None) -> bytes:
        when = encode_long(ts_ms) + PRESENT + encode_text(snapshot)
        transaction = NULL if xid is None else PRESENT + encode_long(xid)
        position = PRESENT + encode_long(at.lsn) + encode_long(at.epoch)
        return self._product + when + self._place + transaction + position

    def _lay_placeholders(
        self, fields: list[list[bytes]], unavailable: Sequence[tuple[str, ...] | None]
    ) -> None:
        for row, names in enumerate(unavailable):
            for name in names or ():
                position = self._position[name]
                fields[position][row] = self._absent[position]

    def _origins(self, changes: Changes) -> list[bytes]:
        """What follows the image of each change: no after if it is a delete, source and the rest.

        `data_collection_order` repeats `total_order`: nobody here counts by table.
        """
        missing = {names: encode_names(names) + NULL for names in set(changes.unavailable)}
        twice = _TWICE
        origins: list[bytes] = []
        places = zip(changes.op, changes.commit_lsn, changes.xid, changes.ts_ms, strict=True)
        for place, run in groupby(places):
            first, last = self._transaction(changes.epoch, *place)
            rows = slice(len(origins), len(origins) + sum(1 for _ in run))
            absent = changes.unavailable[rows]
            origins += [
                first + twice[ordinal] + last + missing[names]
                for ordinal, names in zip(changes.ordinal[rows], absent, strict=True)
            ]
        for row, key in changes.moved_to.items():
            origins[row] = origins[row].removesuffix(NULL) + encode_names(key)
        return origins

    def _transaction(
        self, epoch: int, op: bytes, lsn: int, xid: int, ts_ms: int
    ) -> tuple[bytes, bytes]:
        """What changes of one kind in one transaction share: before the ordinal, and after it."""
        source = self._source(EventId(epoch, lsn, 0), ts_ms, snapshot="false", xid=xid)
        no_after = NULL if op == _DELETE else b""
        first = no_after + source + PRESENT + encode_text(f"{xid}:{lsn}")
        return first, encode_text(op.decode()) + PRESENT + encode_long(ts_ms)


class _Twice(dict[int, bytes]):
    """An ordinal written twice, by ordinal; the small ones are kept."""

    def __missing__(self, ordinal: int) -> bytes:
        written = 2 * encode_long(ordinal)
        if ordinal <= _KEPT_ORDINAL_MAX:
            self[ordinal] = written
        return written


_KEPT_ORDINAL_MAX = 10_000
_TWICE = _Twice()


def wire_prefix(schema_id: int) -> bytes:
    """The five bytes before a datum: a zero byte and the id of its schema."""
    return b"\0" + schema_id.to_bytes(4, "big")


def _absent(column: Column) -> bytes:
    """What `after` holds for a column that the server did not send."""
    if avro_type(column) != "string":
        return NULL
    return PRESENT + encode_text(UNAVAILABLE_PLACEHOLDER)


def _images(changes: Changes) -> Sequence[Texts]:
    """One image per change: `before` of a delete, `after` of everything else."""
    if changes.before is None or changes.before is changes.after:
        return changes.after
    deleted = [op == _DELETE for op in changes.op]
    return [
        [old if gone else new for gone, old, new in zip(deleted, before, after, strict=True)]
        for before, after in zip(changes.before, changes.after, strict=True)
    ]


def _with_tombstones(ops: Sequence[bytes], keys: list[bytes], values: list[bytes]) -> list[Pair]:
    if _DELETE not in ops:
        return list(zip(keys, values, strict=True))
    pairs: list[Pair] = []
    for op, key, value in zip(ops, keys, values, strict=True):
        pairs.append((key, value))
        if op == _DELETE:
            pairs.append((key, None))
    return pairs
