"""Rows that were tried in vain."""

import pytest

from consumers import vain
from consumers.vain import Vain


def test_the_same_rows_are_tried_once_while_nothing_has_moved() -> None:
    tried = Vain()
    assert tried.is_worth_it("orders", "waiting", ["1", "2"], applied=7)
    assert not tried.is_worth_it("orders", "waiting", ["2", "1"], applied=7)
    assert tried.is_worth_it("orders", "held", ["1", "2"], applied=7)


@pytest.mark.parametrize(("keys", "applied"), [(["1", "2"], 8), (["1", "2"], 3), (["1", "3"], 7)])
def test_they_are_tried_again_when_something_was_applied_or_others_wait(
    keys: list[str], applied: int
) -> None:
    tried = Vain()
    tried.is_worth_it("orders", "waiting", ["1", "2"], applied=7)
    assert tried.is_worth_it("orders", "waiting", keys, applied)
    assert not tried.is_worth_it("orders", "waiting", keys, applied)


@pytest.mark.parametrize("left", [[], ["2"]])
def test_when_some_go_in_what_waits_elsewhere_is_tried_again(left: list[str]) -> None:
    tried = Vain()
    tried.is_worth_it("orders", "waiting", ["1", "2"], applied=7)
    tried.is_worth_it("lines", "waiting", ["1"], applied=7)
    tried.is_worth_it("orders", "waiting", left, applied=7)
    assert tried.is_worth_it("lines", "waiting", ["1"], applied=7)


def test_entities_that_are_tried_for_the_first_time_leave_the_others_alone() -> None:
    tried = Vain()
    tried.is_worth_it("orders", "waiting", ["1"], applied=7)
    tried.is_worth_it("lines", "waiting", ["1"], applied=7)
    assert not tried.is_worth_it("orders", "waiting", ["1"], applied=7)


def test_after_a_while_they_are_tried_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Vain()
    tried.is_worth_it("orders", "waiting", ["1"], applied=7)
    monkeypatch.setattr(vain, "FORGOTTEN_S", 0.0)
    assert tried.is_worth_it("orders", "waiting", ["1"], applied=7)


def test_nothing_is_not_worth_a_try() -> None:
    assert not Vain().is_worth_it("orders", "waiting", [], applied=7)
