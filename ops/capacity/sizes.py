"""From what a row looks like to what many take; pure. Bytes as PostgreSQL and Kafka lay them out.

Source: PostgreSQL manual, "Database Page Layout" and "TOAST"; Apache Kafka documentation, "Message Format".
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

# A tuple's header with its pointer in the page, and what alignment adds to a row of several columns, about.
TUPLE_BYTES = 28 + 8
# An entry of an index: its header, its pointer, and the fill of a page whose entries come in no order.
INDEX_ENTRY_BYTES = 8 + 4
INDEX_FILL = 0.7
UUID_BYTES = 16
# A mapping beside its texts and the original: generation, UUID, state, event id, version, partition, offset.
MAPPING_BYTES = 4 + UUID_BYTES + 1 + 4 + 8 + 8 + 4 + 4 + 8
# Its pages are filled so far, so that updates find room.
MAPPING_FILL = 0.75
# A row that is longer is compressed, and what is still too long lies beside its table.
TOAST_BYTES = 2_000
TOAST_PACKED = 0.6
# A record in a batch, beside its key and value: lengths, and its share of the batch's header.
RECORD_BYTES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSizes:
    """One average row, in bytes.

    Attributes:
        record: In Kafka, packed.
        key: Legacy key as text.
        original: The row as JSON.
        stored: Its columns as the source stores them.
    """

    record: float
    key: float
    original: float
    stored: float


def record_bytes(pairs: Sequence[tuple[bytes, bytes | None]]) -> float:
    """What a record takes in Kafka, packed with LZ4 as the producer does it, on average of some."""
    if not pairs:
        return 0.0
    plain = b"".join(key + (value or b"") for key, value in pairs)
    return (_packed(plain) + RECORD_BYTES * len(pairs)) / len(pairs)


def _packed(plain: bytes) -> int:
    sink = io.BytesIO()
    pl.DataFrame({"plain": [plain]}).write_ipc(sink, compression="lz4")
    return min(len(sink.getvalue()), len(plain))


def mapping_bytes(row: RowSizes, entity: str, source: str, *, originals: bool) -> float:
    """A row's mapping, with its share of the key's index."""
    texts = len(entity) + len(source) + row.key + 3
    body = TUPLE_BYTES + MAPPING_BYTES + texts
    original = row.original if originals else 0.0
    if body + original > TOAST_BYTES:
        original *= TOAST_PACKED
    entry = INDEX_ENTRY_BYTES + row.key + len(source) + 4
    return (body + original) / MAPPING_FILL + entry / INDEX_FILL


def target_bytes(row: RowSizes, uuids: int, indexes: tuple[int, ...]) -> float:
    """A row of the target, with its share of the indexes.

    Args:
        row: As the source has it: most columns are copied.
        uuids: Columns that are UUIDs now and were numbers.
        indexes: Of each index of the table, the bytes of an entry's columns.
    """
    entries = sum((INDEX_ENTRY_BYTES + width) / INDEX_FILL for width in indexes)
    return TUPLE_BYTES + row.stored + uuids * (UUID_BYTES - 6) + entries
