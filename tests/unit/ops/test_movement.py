"""Burrow's judgements, each by the movement that it stands for."""

import pytest

from ops.watch.movement import STILL_S, Movement, Observation, eta_s, judge, per_second


def seen(
    at_s: float, done: int, end: int, *, served: bool = True, still_s: float = 0.0
) -> Observation:
    return Observation(
        at_s=at_s, done=done, end=end, expected=end, is_served=served, still_s=still_s
    )


def test_one_observation_is_well_for_nothing_is_known() -> None:
    assert judge([seen(0, 0, 1000)]) is Movement.OK


def test_a_large_backlog_that_shrinks_is_well() -> None:
    assert judge([seen(0, 0, 1_000_000), seen(1, 100, 1_000_050)]) is Movement.OK


def test_who_has_been_caught_up_within_the_window_is_well() -> None:
    assert judge([seen(0, 100, 100), seen(60, 100, 500)]) is Movement.OK


def test_who_moves_while_more_and_more_waits_falls_behind() -> None:
    window = [seen(0, 0, 1000), seen(1, 100, 1200), seen(2, 200, 1500)]
    assert judge(window) is Movement.WARN
    assert judge(window[:2]) is Movement.WARN


def test_a_backlog_that_shrank_once_in_the_window_does_not_fall_behind() -> None:
    assert judge([seen(0, 0, 1000), seen(1, 500, 1400), seen(2, 600, 2000)]) is Movement.OK


def test_what_waits_between_two_batches_is_not_falling_behind() -> None:
    assert judge([seen(0, 1000, 1003), seen(1, 1020, 1024)]) is Movement.OK


def test_who_does_not_move_for_long_though_something_waits_is_stalled() -> None:
    assert judge([seen(0, 5, 6), seen(STILL_S - 1, 5, 9)]) is Movement.OK
    assert judge([seen(0, 5, 6), seen(STILL_S, 5, 9)]) is Movement.STALL


def test_what_others_remember_tells_a_stall_at_the_first_look() -> None:
    assert judge([seen(0, 5, 6, still_s=STILL_S)]) is Movement.STALL
    assert judge([seen(0, 6, 6, still_s=STILL_S)]) is Movement.OK


def test_where_nobody_is_at_it_it_is_stopped_with_or_without_a_backlog() -> None:
    away = seen(1, 5, 9, served=False)
    assert judge([away]) is Movement.STOP
    assert judge([seen(0, 5, 6, served=False), away]) is Movement.STOP
    assert judge([seen(0, 5, 6), away]) is Movement.OK
    assert judge([seen(0, 5, 5, served=False), seen(1, 5, 5, served=False)]) is Movement.STOP


def test_an_idle_part_is_well_however_long() -> None:
    assert judge([seen(0, 5, 5), seen(3600, 5, 5)]) is Movement.OK


def test_the_rate_is_that_of_the_window() -> None:
    assert per_second([seen(0, 0, 10)]) is None
    assert per_second([seen(10, 100, 1000), seen(12, 300, 1000)]) == 100


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([seen(0, 10, 10)], 0.0),
        ([seen(0, 0, 1000)], None),
        ([seen(0, 0, 1000), seen(1, 100, 1000)], 9.0),
        ([seen(0, 0, 1000), seen(1, 100, 1050)], 19.0),
        ([seen(0, 0, 1000), seen(1, 100, 1100)], None),
        ([seen(0, 50, 1000), seen(1, 50, 1000)], None),
    ],
    ids=["caught up", "once", "nothing comes", "half comes again", "as much comes", "still"],
)
def test_the_time_to_catch_up_counts_what_comes_meanwhile(
    window: list[Observation], expected: float | None
) -> None:
    assert eta_s(window) == expected
