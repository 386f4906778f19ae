"""Decoded changes of one relation on their way to Kafka, as the columns that the encoder takes."""

from collections.abc import Sequence
from itertools import chain

from producers.pgoutput import UNCHANGED, Row, Transaction
from producers.relations import Shape
from producers.topic_writer import Pair
from schemas.avro_write import Changes
from schemas.envelope import published
from schemas.errors import InvariantError

CREATED, UPDATED, DELETED = b"c", b"u", b"d"


class RowBatch:
    """Changes of one relation, in the order of the stream; filled row by row, sent at once."""

    __slots__ = (
        "_lsns",
        "_moved_to",
        "_names",
        "_ops",
        "_ordinals",
        "_times",
        "_unavailable",
        "_values",
        "_xids",
        "shape",
    )

    def __init__(self, shape: Shape) -> None:
        """Begin an empty batch."""
        self.shape = shape
        self._names = [column.name for column in published(shape.table)]
        self._ops: list[bytes] = []
        # Of all rows, one after the other: so a column is a slice, and no row is kept.
        self._values: Row = []
        self._lsns: list[int] = []
        self._xids: list[int] = []
        self._times: list[int] = []
        self._ordinals: list[int] = []
        self._unavailable: list[tuple[str, ...] | None] = []
        self._moved_to: dict[int, tuple[str, ...]] = {}

    def add(self, op: bytes, rows: Sequence[Row], transaction: Transaction, ordinal: int) -> bool:
        """Take changes of one kind that follow one another: the new rows, or the old ones of deletes.

        Args:
            op: CREATED, UPDATED or DELETED.
            rows: What is unchanged in them becomes NULL.
            transaction: Theirs.
            ordinal: Of the first of them.

        Returns:
            Whether a column of the last one is unavailable.
        """
        count = len(rows)
        names = [self._without_unchanged(row) if UNCHANGED in row else None for row in rows]
        self._ops += [op] * count
        self._values += chain.from_iterable(rows)
        self._lsns += [transaction.lsn] * count
        self._xids += [transaction.xid] * count
        self._times += [transaction.ts_ms] * count
        self._ordinals += range(ordinal, ordinal + count)
        self._unavailable += names
        return names[-1] is not None

    def moves(self, row: Row) -> None:
        """Say of the delete that was added last that its row has another key now, that of `row`."""
        key = (row[place] or b"" for place in self.shape.key_places)
        self._moved_to[len(self._ops) - 1] = tuple(map(bytes.decode, key))

    def encode(self, epoch: int) -> list[Pair]:
        """Keys and values of all changes.

        Raises:
            InvariantError: A row had more or fewer columns than the table.
        """
        width = len(self._names)
        if len(self._values) != width * len(self._ops):
            raise InvariantError("a row is not as its table", table=self.shape.table.label)
        columns = [self._values[place::width] for place in range(width)]
        changes = Changes(
            op=self._ops,
            before=columns,
            after=columns,
            epoch=epoch,
            commit_lsn=self._lsns,
            ordinal=self._ordinals,
            xid=self._xids,
            ts_ms=self._times,
            unavailable=self._unavailable,
            moved_to=self._moved_to,
        )
        return self.shape.encoder.changes(changes)

    def _without_unchanged(self, row: Row) -> tuple[str, ...] | None:
        """Replace the marks of unchanged values by NULL, and name them."""
        places = [place for place, value in enumerate(row) if value is UNCHANGED]
        for place in places:
            row[place] = None
        return tuple(self._names[place] for place in places) or None
