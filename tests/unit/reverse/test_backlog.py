"""The backlog is cut where every partition is known to be complete, and nowhere else."""

import polars as pl
import pytest

from consumers.reverse import backlog
from consumers.reverse.backlog import Backlog
from schemas.event_id import EventId
from schemas.positions import Marker

Read = tuple[int, int, str]


def marker(lsn: int, a: int, b: int) -> Marker:
    return Marker(
        id="heartbeat", epoch=1, lsn=lsn, source_ms=lsn * 10, ends={"a": {0: a}, "b": {0: b}}
    )


def backlog_of(**topics: list[Read]) -> Backlog:
    """What was read of topics with one partition: (commit LSN, ordinal, op) in their order."""
    found = Backlog({("a", 0): 0, ("b", 0): 0}, applied_lsn=0)
    for topic, rows in topics.items():
        add(found, topic, *rows)
    return found


def add(found: Backlog, topic: str, *rows: Read) -> None:
    first = found.read_to[topic, 0]
    frame = pl.DataFrame(rows, schema=("__lsn", "__ordinal", "__op"), orient="row")
    offsets = pl.int_range(first, first + len(rows), eager=True).alias("__offset")
    found.add(topic, frame.with_columns(offsets, pl.lit(0).alias("__partition")))
    found.read_to[topic, 0] = first + len(rows)


def lsns(found: Backlog, lsn: int, last: Marker) -> dict[str, list[int]]:
    batch = found.batch(lsn, last, {})
    return {topic: frame["__lsn"].to_list() for topic, frame in batch.frames.items()}


def test_up_to_a_marker_that_all_partitions_have_reached_everything_is_here() -> None:
    found = backlog_of(a=[(5, 1, "c"), (12, 1, "c")], b=[(7, 1, "c")])
    last = marker(10, a=1, b=1)
    assert found.complete(last) == 10
    assert lsns(found, 10, last) == {"a": [5], "b": [7]}
    progress = found.batch(10, last, {}).progress
    assert progress.after == {("a", 0): 1, ("b", 0): 1}
    assert progress.source_ms == 100


def test_before_a_partition_has_reached_the_marker_nothing_is_known() -> None:
    assert backlog_of(a=[(5, 1, "c")]).complete(marker(10, a=1, b=1)) is None


def test_of_a_long_backlog_what_is_older_than_the_slowest_partition_is_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "ROWS_MAX", 2)
    found = backlog_of(a=[(5, 1, "c"), (9, 1, "c")], b=[(7, 1, "c")])
    last = marker(20, a=2, b=2)
    assert found.complete(last) == 6  # The transaction at 7 may not have come as a whole.
    assert lsns(found, 6, last) == {"a": [5]}
    found.confirm(found.batch(6, last, {}))
    assert found.rows == 2
    assert found.complete(last) is None


def test_a_stretch_that_is_sent_again_counts_once_and_moves_no_checkpoint_beyond_what_waits() -> (
    None
):
    found = backlog_of(a=[(5, 1, "c"), (9, 1, "c"), (5, 1, "c"), (9, 1, "c"), (11, 1, "c")])
    last = marker(10, a=5, b=0)
    assert lsns(found, 10, last) == {"a": [5, 9]}
    assert found.batch(8, last, {}).progress.after["a", 0] == 1
    found.confirm(found.batch(10, last, {}))
    assert found.batch(10, last, {}).progress.before["a", 0] == 4
    add(found, "a", (9, 1, "c"))
    assert found.rows == 1


def test_a_row_that_was_read_again_says_nothing_of_what_is_still_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "ROWS_MAX", 0)
    found = backlog_of(a=[(5, 1, "c"), (19, 0, "r")])
    assert found.complete(marker(20, a=3, b=0)) == 4


def test_the_first_truncation_that_was_not_passed_is_told() -> None:
    found = backlog_of(a=[(5, 1, "c")])
    truncations = {"x": EventId(1, 9, 1), "y": EventId(1, 7, 1), "z": EventId(1, 30, 1)}
    assert found.batch(10, marker(10, 1, 0), truncations).truncated == (7, "y")
    assert found.batch(6, marker(10, 1, 0), truncations).truncated is None
