"""The codec once more with fastavro, record by record: the measure of the columnar one."""

import ctypes
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import fastavro

from schemas import envelope, names
from schemas.avro_fields import Texts
from schemas.avro_write import Changes, Pair, SourceInfo
from schemas.event_id import EventId
from schemas.table import Column, Table

# PostgreSQL reads float4 with the same function.
_strtof = ctypes.CDLL(None).strtof
_strtof.restype = ctypes.c_float
_strtof.argtypes = [ctypes.c_char_p, ctypes.c_void_p]


def float4(text: bytes) -> float:
    """The single-precision value nearest to a text."""
    return float(_strtof(text, None))


_CONVERTERS: dict[str, Callable[[bytes], Any]] = {
    "boolean": lambda text: text == b"t",
    "int": int,
    "long": int,
    "float": float4,
    "double": float,
    "bytes": lambda text: bytes.fromhex(text[2:].decode()),
    "string": bytes.decode,
}


class ReferenceEncoder:
    """Does what `RowEncoder` does."""

    def __init__(
        self, topic: str, table: Table, key_id: int, value_id: int, source: SourceInfo
    ) -> None:
        self.key = fastavro.parse_schema(envelope.key_schema(topic, table))
        self.value = fastavro.parse_schema(envelope.value_schema(topic, table))
        self._ids = key_id, value_id
        self._table = table
        self._columns = envelope.published(table)
        self._source = source

    def snapshot(self, columns: Sequence[Texts], at: EventId, ts_ms: int) -> list[Pair]:
        pairs: list[Pair] = []
        for texts in zip(*columns, strict=True):
            row = self._row(texts)
            source = self._origin(at, ts_ms, "true", None)
            value = {"after": row, "source": source, "op": "r", "ts_ms": ts_ms}
            pairs.append((self._key(row), self._value(value)))
        return pairs

    def changes(self, changes: Changes) -> list[Pair]:
        pairs: list[Pair] = []
        for i, op in enumerate(changes.op):
            images = changes.before if op == b"d" else changes.after
            row = self._row([column[i] for column in images or ()])
            lsn, xid, ordinal = changes.commit_lsn[i], changes.xid[i], changes.ordinal[i]
            at, ts_ms = EventId(changes.epoch, lsn, ordinal), changes.ts_ms[i]
            order = {"total_order": ordinal, "data_collection_order": ordinal}
            key = self._key(row)
            value = {
                ("before" if op == b"d" else "after"): self._with_placeholders(row, changes, i),
                "source": self._origin(at, ts_ms, "false", xid),
                "transaction": {"id": f"{xid}:{lsn}", **order},
                "op": op.decode(),
                "ts_ms": ts_ms,
                "unavailable": list(changes.unavailable[i] or ()) or None,
                "moved_to": list(changes.moved_to.get(i, ())) or None,
            }
            pairs.append((key, self._value(value)))
            if op == b"d":
                pairs.append((key, None))
        return pairs

    def _row(self, texts: Sequence[bytes | None]) -> dict[str, Any]:
        return {
            names.avro_field(column.name): None if text is None else _converted(column, text)
            for column, text in zip(self._columns, texts, strict=True)
        }

    def _with_placeholders(self, row: dict[str, Any], changes: Changes, i: int) -> dict[str, Any]:
        laid = dict(row)
        for column in self._columns:
            if column.name in (changes.unavailable[i] or ()):
                text = envelope.avro_type(column) == "string"
                placeholder = envelope.UNAVAILABLE_PLACEHOLDER if text else None
                laid[names.avro_field(column.name)] = placeholder
        return laid

    def _origin(self, at: EventId, ts_ms: int, snapshot: str, xid: int | None) -> dict[str, Any]:
        return {
            "version": self._source.version,
            "connector": "postgresql",
            "name": self._source.name,
            "ts_ms": ts_ms,
            "snapshot": snapshot,
            "db": self._source.db,
            "schema": self._table.schema,
            "table": self._table.name,
            "txId": xid,
            "lsn": at.lsn,
            "epoch": at.epoch,
        }

    def _key(self, row: dict[str, Any]) -> bytes:
        fields = [names.avro_field(name) for name in self._table.key]
        return _datum(self._ids[0], self.key, {field: row[field] for field in fields})

    def _value(self, record: dict[str, Any]) -> bytes:
        return _datum(self._ids[1], self.value, record)


def _converted(column: Column, text: bytes) -> Any:
    return _CONVERTERS[envelope.avro_type(column)](text)


def _datum(schema_id: int, schema: Any, record: dict[str, Any]) -> bytes:
    written = BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    written.seek(5)
    fastavro.schemaless_writer(written, schema, record)
    return written.getvalue()


def read(schema: dict[str, Any], values: Sequence[bytes]) -> list[dict[str, Any]]:
    """What `EnvelopeReader.read` yields, as one dict a row and under the legacy names."""
    parsed = fastavro.parse_schema(schema)
    table = envelope.table_of(schema)
    rows = []
    for value in values:
        record: Any = fastavro.schemaless_reader(BytesIO(value[5:]), parsed, None)
        image = record["before"] if record["op"] == "d" else record["after"]
        absent = record["unavailable"] or ()
        ours = {
            "epoch": record["source"]["epoch"],
            "lsn": record["source"]["lsn"],
            "ordinal": (record["transaction"] or {"total_order": 0})["total_order"],
            "op": record["op"],
            "unavailable": record["unavailable"],
            "moved_to": record["moved_to"],
            "source_ms": record["source"]["ts_ms"],
        }
        legacy = {
            column.name: None if column.name in absent else image[names.avro_field(column.name)]
            for column in table.columns
        }
        rows.append({"ours": ours, "legacy": legacy})
    return rows
