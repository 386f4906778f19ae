"""Markers, ends of snapshots and truncations: the highest counts, not the last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.points import MARKERS_MAX, Points
from schemas.event_id import ZERO, EventId
from schemas.positions import Marker, SnapshotEnd, Truncate


def marker(lsn: int, end: int, epoch: int = 1) -> Marker:
    return Marker(id="heartbeat", epoch=epoch, lsn=lsn, source_ms=lsn * 10, ends={"t": {0: end}})


def reached(points: Points, offset: int, obeyed: EventId = ZERO) -> int | None:
    found = points.reached("t", [(0, offset)], obeyed)
    return found[0].lsn if found else None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.integers(0, 40))
def test_the_last_marker_reached_is_found(steps: list[int], offset: int) -> None:
    points, end, expected = Points(), 0, None
    for lsn, step in enumerate(steps, 1):
        end += step
        points.fold(marker(lsn, end))
        expected = lsn if end <= offset else expected
    assert reached(points, offset) == expected


def test_a_marker_that_comes_late_is_ignored() -> None:
    points = Points()
    points.fold(marker(20, 9))
    points.fold(marker(10, 3))
    assert reached(points, 5) is None


def test_a_later_epoch_is_higher_whatever_its_lsn() -> None:
    points = Points()
    points.fold(marker(20, 3))
    points.fold(marker(10, 5, epoch=2))
    assert reached(points, 5) == 10


def test_a_marker_above_a_truncation_counts_once_that_is_obeyed() -> None:
    points = Points()
    points.fold(marker(10, 1))
    truncation = Truncate(table="public.t", topic="t", epoch=1, lsn=15, ordinal=2)
    points.fold(truncation)
    points.fold(marker(20, 2))
    assert reached(points, 5) == 10
    assert reached(points, 5, truncation.event_id) == 20


def test_markers_are_forgotten_rather_than_memory_filled() -> None:
    points = Points()
    for lsn in range(1, 10 * MARKERS_MAX):
        points.fold(marker(lsn, lsn))
    assert reached(points, 10 * MARKERS_MAX) == 10 * MARKERS_MAX - 1
    assert len(points._markers) <= MARKERS_MAX


def test_a_topic_that_a_marker_does_not_know_has_nothing_below_it() -> None:
    points = Points()
    points.fold(Marker(id="heartbeat", epoch=1, lsn=10, source_ms=1, ends={}))
    assert reached(points, 0) == 10


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_highest_truncation_and_end_of_a_snapshot_count(order: tuple[int, int]) -> None:
    points = Points()
    truncations = [Truncate(table="t", topic="t", epoch=1, lsn=lsn, ordinal=1) for lsn in (5, 7)]
    ends = [SnapshotEnd(table="t", topic="t", epoch=1, lsn=n, rows=n, ends={}) for n in (5, 7)]
    for index in order:
        points.fold(truncations[index])
        points.fold(ends[index])
    assert points.truncations["t"].lsn == 7
    assert points.snapshots["t"].rows == 7
