"""Which snapshots of a table are open, given what is known of it: the first one, and a resync."""

from typing import cast

import pytest

from producers.positions import Known
from producers.relations import Shape, Shapes
from producers.resync import open_snapshots
from producers.settings import TableSettings
from schemas.positions import Chunk, Resync, SnapshotEnd
from schemas.table import Table

SETTINGS = TableSettings(schema="public", name="t", topic="p.public.t")
TABLE = Table(schema="public", name="t", columns=(), key=("id",))


class AnyShape:
    """Every table has the same."""

    def of(self, _table: Table, _topic: str) -> Shape:
        return cast(Shape, None)


def chunk(number: int, lsn: int, *, last: bool = False) -> Chunk:
    lower = str(number) if number else None
    upper = None if last else str(number + 1)
    return Chunk(table="public.t", number=number, lower=lower, upper=upper, rows=1, lsn=lsn)


def known(asked: int | None, end: tuple[int, int] | None, *chunks: Chunk) -> Known:
    """Of the table: when a resync was asked for, `since` and `lsn` of the last end, stored chunks."""
    found = Known(chunks={"public.t": {c.number: c for c in chunks}})
    if asked is not None:
        found.fold(Resync(table="public.t", topic="p.public.t", epoch=1, lsn=asked))
    if end is not None:
        since, lsn = end
        found.fold(
            SnapshotEnd(
                table="public.t", topic="p.public.t", epoch=1, lsn=lsn, rows=1, ends={}, since=since
            )
        )
    return found


WHOLE = (None, None)


@pytest.mark.parametrize(
    ("asked", "end", "expected"),
    [
        (None, None, [[]]),  # The first snapshot, of which all chunks are stored.
        (None, (0, 10), []),
        (50, (0, 10), [[(None, "1")]]),  # A resync: one chunk is later than the wish.
        (50, (60, 70), []),
        (80, (60, 70), [[WHOLE]]),  # Another one, of which nothing is stored.
        (
            65,
            (60, 70),
            [[WHOLE]],
        ),  # Asked for while one was read: what that had read does not count.
        (
            50,
            None,
            [[], [WHOLE]],
        ),  # Asked for before the first snapshot ended: one after the other.
    ],
)
def test_a_chunk_or_an_end_counts_for_a_resync_if_it_is_later(
    asked: int | None, end: tuple[int, int] | None, expected: list[list[tuple[str | None, ...]]]
) -> None:
    stored = known(asked, end, chunk(0, 10), chunk(1, 60, last=True))
    found = open_snapshots(TABLE, SETTINGS, stored, cast(Shapes, AnyShape()))
    assert [[(r.lower, r.upper) for r in one.ranges()] for one in found] == expected
