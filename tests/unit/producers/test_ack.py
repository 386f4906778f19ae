"""The source is told only what Kafka holds."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.ack import AckTracker


def test_idle_wal_is_acknowledged_only_while_nothing_is_owed() -> None:
    tracker = AckTracker(10)
    tracker.owe(20)
    tracker.idle(90)
    assert tracker.lsn == 10
    tracker.settle(20)
    tracker.idle(90)
    assert tracker.lsn == 90


def test_a_debt_in_the_middle_holds_back_all_later_ones() -> None:
    tracker = AckTracker(0)
    for lsn in (10, 20, 30):
        tracker.owe(lsn)
    tracker.settle(30)
    tracker.settle(10)
    assert tracker.lsn == 10
    tracker.settle(20)
    assert tracker.lsn == 30


def test_several_debts_of_one_transaction_are_all_waited_for() -> None:
    tracker = AckTracker(0)
    tracker.owe(10)
    tracker.owe(10)
    tracker.settle(10)
    assert tracker.lsn == 0
    tracker.settle(10)
    assert tracker.lsn == 10


@settings(max_examples=50)
@given(st.lists(st.integers(1, 3), min_size=1), st.randoms(use_true_random=False))
def test_the_lsn_never_passes_an_open_debt_and_never_goes_back(
    steps: list[int], rng: random.Random
) -> None:
    tracker, lsn, debts, before = AckTracker(0), 0, [], 0
    for step in steps:
        lsn += step
        tracker.owe(lsn)
        debts.append(lsn)
        while debts and rng.random() < 0.5:
            tracker.settle(debts.pop(rng.randrange(len(debts))))
            assert before <= tracker.lsn < min(debts, default=lsn + 1)
            before = tracker.lsn
