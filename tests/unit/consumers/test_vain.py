"""Rows that were tried in vain."""

import pytest

from consumers import vain
from consumers.vain import Moved, Vain

STILL = Moved(applied=7, waiting=3)


@pytest.fixture
def tried() -> Vain:
    """Two rows of orders were tried."""
    found = Vain()
    found.remember("orders", "waiting", ["1", "2"], STILL)
    return found


@pytest.mark.parametrize("keys", [["2", "1"], ["2"], []])
def test_the_same_rows_are_not_tried_again_while_nothing_has_moved(
    tried: Vain, keys: list[str]
) -> None:
    assert not tried.is_worth_it("orders", "waiting", keys, STILL)


@pytest.mark.parametrize(
    ("entity", "what", "keys", "moved"),
    [
        ("orders", "waiting", ["1", "3"], STILL),
        ("orders", "held", ["1"], STILL),
        ("lines", "waiting", ["1"], STILL),
        ("orders", "waiting", ["1"], Moved(applied=8, waiting=3)),
        ("orders", "waiting", ["1"], Moved(applied=3, waiting=3)),
        ("orders", "waiting", ["1"], Moved(applied=7, waiting=2)),
        ("orders", "waiting", ["1"], Moved(applied=8, waiting=2)),
    ],
)
def test_others_are_tried_and_all_of_them_once_something_has_moved(
    tried: Vain, entity: str, what: str, keys: list[str], moved: Moved
) -> None:
    assert tried.is_worth_it(entity, what, keys, moved)


def test_more_rows_than_are_tried_at_once_are_tried_once_each(tried: Vain) -> None:
    tried.remember("orders", "waiting", ["3"], STILL)
    assert not tried.is_worth_it("orders", "waiting", ["1", "2", "3"], STILL)
    tried.remember("orders", "waiting", ["3"], Moved(applied=8, waiting=3))
    assert tried.is_worth_it("orders", "waiting", ["1"], Moved(applied=8, waiting=3))


def test_after_a_while_they_are_tried_all_the_same(
    tried: Vain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vain, "FORGOTTEN_S", 0.0)
    assert tried.is_worth_it("orders", "waiting", ["1"], STILL)
    tried.forget()
    assert tried.is_worth_it("orders", "waiting", ["1"], STILL)
