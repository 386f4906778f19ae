"""One report per batch and partition stands for all records before it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.deliveries import Deliveries
from schemas.errors import InvariantError
from schemas.positions import Ends

A, B = ("t", 0), ("t", 1)


def run(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()


def test_a_cut_with_nothing_in_flight_is_reached_at_once() -> None:
    deliveries = Deliveries({"t": {0: 5, 1: 7}})
    reached: list[Ends] = []
    run(deliveries.cut(reached.append))
    assert reached == [{"t": {0: 5, 1: 7}}]


def test_a_cut_waits_for_every_partition_and_tells_the_ends_at_the_line() -> None:
    deliveries = Deliveries({"t": {0: 0, 1: 100}})
    reached: list[Ends] = []
    first = deliveries.sent(A, 3)
    other = deliveries.sent(B, 1)
    run(deliveries.cut(reached.append))
    later = deliveries.sent(A, 4)
    run(deliveries.acknowledged(A, first, 2))
    run(deliveries.acknowledged(A, later, 6))
    assert reached == []
    run(deliveries.acknowledged(B, other, 100))
    assert reached == [{"t": {0: 3, 1: 101}}]


def test_a_report_for_fewer_records_than_were_sent_is_refused() -> None:
    deliveries = Deliveries({"t": {0: 10}})
    number = deliveries.sent(A, 3)
    with pytest.raises(InvariantError):
        deliveries.acknowledged(A, number, 11)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("scr"), st.integers(0, 2), st.integers(1, 4))), st.data())
def test_cuts_are_reached_in_order_and_only_when_all_before_them_is_stored(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    deliveries = Deliveries({"t": dict.fromkeys(range(3), 0)})
    sent, stored = [0] * 3, [0] * 3
    pending: list[list[tuple[int, int]]] = [[], [], []]
    drawn: list[list[int]] = []
    reached: list[tuple[int, Ends]] = []

    def cut(number: int) -> None:
        run(deliveries.cut(lambda ends: reached.append((number, ends))))

    for kind, partition, count in steps:
        place = ("t", partition)
        if kind == "s":
            sent[partition] += count
            pending[partition].append((deliveries.sent(place, count), sent[partition]))
        elif kind == "c":
            drawn.append(list(sent))
            cut(len(drawn) - 1)
        elif pending[partition]:
            upto = data.draw(st.integers(1, len(pending[partition])))
            for number, end in pending[partition][:upto]:
                stored[partition] = end
                run(deliveries.acknowledged(place, number, end - 1))
            del pending[partition][:upto]
        due = [
            n
            for n, line in enumerate(drawn)
            if all(s >= at for s, at in zip(stored, line, strict=True))
        ]
        assert [n for n, _ in reached] == due
    assert all(ends["t"] == dict(enumerate(drawn[n])) for n, ends in reached)
