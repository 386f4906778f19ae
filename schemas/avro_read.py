"""Avro datums to columns: the values of one schema id become one polars frame in one call.

The datums are joined into one Avro object container in memory. What the container's header says
is our own reading of the bytes, a schema that describes the same bytes as the writer's:
  * attributes such as `pg.type` are left out and named types are spelled out, as polars wants it;
  * the fields of `source` stand at the top, because a record and its fields in a row are the same
    bytes; so polars can skip those that nobody asks for, which makes it half as fast again;
  * the five bytes of the wire format are a field of fixed size, so that nothing is cut off each
    datum, and one that is too long or too short is noticed by the prefix of the next.
Source: Apache Avro 1.12 specification, "Object Container Files" and "Records".
"""

import json
from collections.abc import Sequence
from io import BytesIO
from operator import itemgetter
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from schemas.avro_fields import encode_long, encode_text
from schemas.envelope import Schema, published, table_of
from schemas.errors import RecordError

PREFIX_BYTES = 5
_MAGIC = 0
_PREFIX = "prefix"
_SYNC = b"understudy-block"

# Columns of the frame beside the legacy columns, by what they are read from.
_SELECTED = {
    "source.epoch": "__epoch",
    "source.lsn": "__lsn",
    "op": "__op",
    "unavailable": "__unavailable",
    "moved_to": "__moved_to",
    "source.ts_ms": "__source_ms",
}


def schema_id(value: bytes) -> int:
    """The registry's id of the schema that a datum was written with.

    Raises:
        RecordError: The datum does not have the wire format.
    """
    if len(value) <= PREFIX_BYTES or value[0] != _MAGIC:
        raise RecordError("not in the wire format of a schema registry")
    return int.from_bytes(value[1:PREFIX_BYTES], "big")


def frame_name(column: str) -> str:
    """Name in the frame of a legacy column: its own.

    One that begins with two underscores gets another at its end, so that it never meets one of
    ours: those begin with two and do not end in one.
    """
    return f"{column}_" if column.startswith("__") else column


class EnvelopeReader:
    """Reads the values that were written with one registered schema."""

    def __init__(self, schema: Schema) -> None:
        """Prepare the header of the container.

        Args:
            schema: The writer's schema, as `envelope.value_schema` made it.

        Raises:
            InvariantError: The schema is not one of ours.
        """
        self.table = table_of(schema)
        self._names = [frame_name(column.name) for column in published(self.table)]
        text = json.dumps(_flattened(schema))
        self._head = _container_head(text)

    def read(self, values: Sequence[bytes]) -> pl.DataFrame:
        """Read datums into columns, in their order.

        Args:
            values: Whole values of one schema id, prefix included, no tombstones.

        Returns:
            `__epoch` Int32, `__lsn` Int64, `__ordinal` Int64 (0 in a snapshot row), `__op`
            String, `__unavailable` List(String) or null (legacy names), `__moved_to` List(String)
            or null, `__source_ms` Int64;
            then the legacy columns by `frame_name`: of `after`, and for a delete of `before`.
            An unavailable column is null: the placeholder is for other readers.

        Raises:
            RecordError: One of the values was not written with this schema.
        """
        deletes = any(map(itemgetter(PREFIX_BYTES), values))
        chosen = [_PREFIX, *_SELECTED, "transaction", "after"] + ["before"] * deletes
        try:
            raw = pl.read_avro(BytesIO(self._container(values)), columns=chosen)
        except (PolarsError, PanicException, OSError) as error:
            raise RecordError("not written with its schema", table=self.table.label) from error
        # A datum that is too long or too short would shift all that follow.
        if raw[_PREFIX].n_unique() > 1:
            raise RecordError("not written with its schema", table=self.table.label)
        return self._frame(raw, deletes=deletes)

    def _container(self, values: Sequence[bytes]) -> bytes:
        size = encode_long(sum(map(len, values)))
        return b"".join((self._head, encode_long(len(values)), size, *values, _SYNC))

    def _frame(self, raw: pl.DataFrame, *, deletes: bool) -> pl.DataFrame:
        row = raw["after"]
        if deletes:
            row = row.zip_with(raw["op"] != "d", raw["before"])
        order = raw["transaction"].struct.field("total_order").fill_null(0).alias("__ordinal")
        head = [raw[name].alias(alias) for name, alias in _SELECTED.items()]
        legacy = row.struct.unnest()
        legacy.columns = self._names
        legacy = _without_placeholders(legacy, raw["unavailable"])
        return pl.DataFrame([*head[:2], order, *head[2:], *legacy.get_columns()])


def _without_placeholders(legacy: pl.DataFrame, unavailable: pl.Series) -> pl.DataFrame:
    for name in unavailable.explode().unique().drop_nulls():
        sent = ~unavailable.list.contains(name).fill_null(value=False)
        column = legacy[frame_name(name)]
        legacy = legacy.with_columns(column.zip_with(sent, pl.Series([None], dtype=column.dtype)))
    return legacy


def _flattened(schema: Schema) -> Schema:
    plain = _plain(schema, {})
    fields = []
    for field in plain["fields"]:
        if field["name"] == "source":
            inner = field["type"]["fields"]
            fields += [{**each, "name": f"source.{each['name']}"} for each in inner]
        else:
            fields.append(field)
    prefix = {"type": "fixed", "name": "Prefix", "size": PREFIX_BYTES}
    return {**plain, "fields": [{"name": _PREFIX, "type": prefix}, *fields]}


def _plain(kind: Any, records: dict[str, Schema]) -> Any:
    """A type without foreign attributes, with each use of a named record spelled out."""
    if isinstance(kind, list):
        return [_plain(branch, records) for branch in kind]
    if isinstance(kind, str):
        return records.get(kind.rpartition(".")[2], kind)
    if kind["type"] == "record":
        fields = [
            {"name": field["name"], "type": _plain(field["type"], records)}
            for field in kind["fields"]
        ]
        records[kind["name"]] = {"type": "record", "name": kind["name"], "fields": fields}
        return records[kind["name"]]
    if kind["type"] == "array":
        return {"type": "array", "items": _plain(kind["items"], records)}
    return _plain(kind["type"], records)


def _container_head(schema: str) -> bytes:
    entries = encode_text("avro.schema") + encode_text(schema)
    entries += encode_text("avro.codec") + encode_text("null")
    return b"Obj\x01" + encode_long(2) + entries + encode_long(0) + _SYNC
