"""Rows of one table that wait for each other."""

from consumers.released import Waiter, released

LONG = 50_000


def waiter(row: int, parent: int, *, ready: bool = False) -> Waiter:
    return Waiter(key=str(row), id=f"id {row}", waits_id=f"id {parent}", is_ready=ready)


def test_a_row_goes_when_its_parent_has_come() -> None:
    assert released([waiter(1, 9, ready=True), waiter(2, 8)]) == ["1"]


def test_all_that_wait_for_a_row_that_goes_go_with_it() -> None:
    rows = [waiter(4, 3), waiter(3, 2), waiter(2, 9, ready=True), waiter(5, 2), waiter(6, 7)]
    assert sorted(released(rows)) == ["2", "3", "4", "5"]


def test_a_ring_goes_and_all_that_wait_for_it() -> None:
    rows = [waiter(1, 2), waiter(2, 3), waiter(3, 1), waiter(4, 2), waiter(5, 4)]
    assert sorted(released(rows)) == ["1", "2", "3", "4", "5"]


def test_a_row_that_waits_for_itself_goes() -> None:
    assert released([waiter(1, 1)]) == ["1"]


def test_a_chain_without_its_head_stays() -> None:
    assert released([waiter(1, 0), waiter(2, 1), waiter(3, 2)]) == []


def test_a_chain_may_be_as_long_as_the_table() -> None:
    chain = [waiter(row, row - 1) for row in range(LONG, 0, -1)]
    assert released(chain) == []
    assert len(released([*chain, waiter(0, -1, ready=True)])) == LONG + 1
