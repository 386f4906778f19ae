"""Gates are met, signed off by their count, or refuse all at once."""

import pytest

from ops.cutover.gate import Gate, judge, parse, require_met
from schemas.errors import NotReadyError, UsageError

LETTERS = Gate(name="dead-letters:tasks", met=False, says="3 rows", remedy="understudy x", count=3)
LAG = Gate(name="lag", met=False, says="99 s", remedy="Wait.")
FINE = Gate(name="orphans", met=True, says="none", count=0)


def test_a_gate_is_signed_off_by_its_name_and_the_count_that_it_has() -> None:
    (judged,) = judge([LETTERS], {"dead-letters:tasks": 3})
    assert (judged.met, judged.accepted) == (True, True)


def test_another_count_than_the_one_that_is_typed_refuses_and_says_both() -> None:
    (judged,) = judge([LETTERS], {"dead-letters:tasks": 2})
    assert not judged.met
    assert "3 rows, not 2" in judged.says


@pytest.mark.parametrize("name", ["lag", "orphans", "dead-letters:orders"])
def test_what_has_no_count_is_met_or_is_not_there_cannot_be_signed_off(name: str) -> None:
    judged = judge([LETTERS, LAG, FINE], {name: 0})
    assert judged[:3] == [LETTERS, LAG, FINE]
    assert (judged[3].name, judged[3].met) == (name, False)
    assert "nothing to be signed off" in judged[3].says


@pytest.mark.parametrize("word", ["tasks", "tasks=", "=3", "tasks=x", "tasks=-1"])
def test_a_signature_without_a_name_or_a_count_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="NAME=COUNT"):
        parse([word])


def test_all_gates_that_are_not_met_are_told_at_once_with_their_remedies() -> None:
    assert parse(["dead-letters:tasks=3"]) == {"dead-letters:tasks": 3}
    with pytest.raises(NotReadyError, match="dead-letters:tasks: 3 rows") as refused:
        require_met([LETTERS, FINE, LAG])
    assert refused.value.__notes__ == ["lag: 99 s"]
    assert refused.value.advice is not None
    assert "understudy x" in refused.value.advice
    assert "Wait." in refused.value.advice
    require_met([FINE])
