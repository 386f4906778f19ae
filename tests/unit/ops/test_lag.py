"""The lag from markers and checkpoints, case by case; times in milliseconds of the source's clock."""

from collections.abc import Sequence

from ops.watch.lag import Lag, Moment, measure
from ops.watch.target import Checkpoint

T = "shop.public.orders"


def checkpoint(
    partition: int, next_offset: int, watermark_ms: int = 0, moved_ms_ago: int = 0
) -> Checkpoint:
    return Checkpoint(T, partition, next_offset, watermark_ms, watermark_ms, moved_ms_ago)


def measured(
    checkpoints: Sequence[Checkpoint],
    ends: dict[int, int] | None,
    rows: int | None = None,
    marker_ms: int | None = 9_900,
) -> Lag:
    places = [(T, partition) for partition in ends or {}]
    at = None if ends is None else {(T, partition): end for partition, end in ends.items()}
    return measure(checkpoints, places, rows, Moment(now_ms=10_000, marker_ms=marker_ms, ends=at))


def test_who_is_idle_is_as_old_as_the_last_heartbeat() -> None:
    lag = measured([checkpoint(0, 7, watermark_ms=9_900, moved_ms_ago=3_600_000)], {0: 7})
    assert (lag.ms, lag.apply_ms, lag.records, lag.still_ms) == (100, 0, 0, 0)


def test_the_partition_that_is_furthest_behind_counts() -> None:
    lag = measured([checkpoint(0, 7, 9_900), checkpoint(1, 3, 4_000)], {0: 7, 1: 9})
    assert (lag.ms, lag.apply_ms, lag.records) == (6_000, 5_900, 6)


def test_a_capture_that_is_away_makes_the_lag_grow_though_all_of_kafka_is_applied() -> None:
    lag = measured([checkpoint(0, 7, watermark_ms=2_000)], {0: 7}, marker_ms=2_000)
    assert (lag.ms, lag.apply_ms, lag.records) == (8_000, 0, 0)


def test_before_the_first_marker_nothing_is_said_in_seconds() -> None:
    lag = measured([checkpoint(0, 5)], {0: 7})
    assert (lag.ms, lag.apply_ms, lag.records) == (None, None, 2)


def test_where_no_worker_has_been_all_of_kafka_waits() -> None:
    lag = measured([], {0: 7, 1: 4})
    assert (lag.applied, lag.records, lag.ms) == (0, 11, None)


def test_rows_of_the_snapshot_that_are_not_in_kafka_are_still_to_come() -> None:
    assert measured([checkpoint(0, 5)], {0: 7}, rows=100).remaining == 95
    assert measured([checkpoint(0, 150)], {0: 170}, rows=100).remaining == 20


def test_without_kafka_no_records_are_counted_and_the_seconds_are() -> None:
    lag = measured([checkpoint(0, 5, watermark_ms=9_000)], None, marker_ms=None)
    assert (lag.records, lag.remaining, lag.apply_ms, lag.ms) == (None, None, None, 1_000)


def test_a_clock_or_a_topic_that_went_back_makes_no_negative_lag() -> None:
    lag = measured([checkpoint(0, 5, watermark_ms=11_000)], {0: 3})
    assert (lag.ms, lag.apply_ms, lag.records) == (0, 0, 0)


def test_a_partition_stands_still_only_while_something_older_waits_for_it() -> None:
    waits = checkpoint(0, 5, watermark_ms=4_900, moved_ms_ago=60_000)
    just_come = checkpoint(0, 5, watermark_ms=9_800, moved_ms_ago=60_000)
    assert measured([waits], {0: 6}).still_ms == 5_000
    assert measured([just_come], {0: 6}).still_ms == 100
    assert measured([waits], {0: 5}).still_ms == 0
    assert measured([checkpoint(0, 5, 4_900, moved_ms_ago=10)], {0: 6}).still_ms == 10


def test_one_partition_that_stands_still_is_not_hidden_by_another_that_moves() -> None:
    moves, waits = checkpoint(0, 5, 9_800, 10), checkpoint(1, 5, 1_000, 60_000)
    assert measured([moves, waits], {0: 6, 1: 6}).still_ms == 8_900
