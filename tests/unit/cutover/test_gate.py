"""Gates are met, signed off by their count, or refuse all at once."""

import pytest

from ops.cutover.gate import Gate, Signature, judge, parse, require_met
from schemas.errors import NotReadyError, UsageError

LETTERS = Gate(name="dead-letters:tasks", met=False, says="3 rows", remedy="understudy x", count=3)
LAG = Gate(name="lag", met=False, says="99 s", remedy="Wait.")
FINE = Gate(name="orphans", met=True, says="none", count=0)


def test_a_gate_is_signed_off_by_its_name_and_the_count_that_it_has() -> None:
    (judged,) = judge([LETTERS], {"dead-letters:tasks": Signature(count=3)})
    assert (judged.met, judged.accepted) == (True, True)


def test_another_count_than_the_one_that_is_typed_refuses_and_says_both() -> None:
    (judged,) = judge([LETTERS], {"dead-letters:tasks": Signature(count=2)})
    assert not judged.met
    assert "3 rows, not 2" in judged.says


@pytest.mark.parametrize("name", ["lag", "orphans", "dead-letters:orders"])
def test_what_has_no_count_is_met_or_is_not_there_cannot_be_signed_off(name: str) -> None:
    judged = judge([LETTERS, LAG, FINE], {name: Signature(count=0)})
    assert judged[:3] == [LETTERS, LAG, FINE]
    assert (judged[3].name, judged[3].met) == (name, False)
    assert "nothing to be signed off" in judged[3].says


@pytest.mark.parametrize(
    "word", ["tasks", "tasks=", "=3", "tasks=x", "tasks=-1", "tasks<3", "tasks<=", "tasks==3"]
)
def test_a_signature_without_a_name_or_a_count_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="NAME=COUNT"):
        parse([word], ["tasks"])


@pytest.mark.parametrize(("limit", "met"), [(2, False), (3, True), (4, True)])
def test_rows_that_wait_are_signed_off_as_at_most_so_many(limit: int, met: bool) -> None:  # noqa: FBT001 - of the table
    accepted = parse([f"dead-letters:tasks<={limit}"], ["tasks"])
    (judged,) = judge([LETTERS], accepted)
    assert (judged.met, judged.accepted) == (met, met)
    assert f"at most {limit}" in judged.says
    assert judge([FINE], accepted) == [FINE]  # None wait any more.


@pytest.mark.parametrize("name", ["way-back-rules", "orphans", "parked:orders", "lag:tasks"])
def test_only_rows_that_wait_may_be_fewer_than_was_typed(name: str) -> None:
    with pytest.raises(UsageError, match="only rows that wait"):
        parse([f"{name}<=3"], ["tasks"])


@pytest.mark.parametrize("typed", [Signature(count=3), Signature(count=3, or_fewer=True)])
def test_what_was_typed_is_stored_as_it_was_typed(typed: Signature) -> None:
    assert Signature.from_json(typed.as_json()) == typed


def test_all_gates_that_are_not_met_are_told_at_once_with_their_remedies() -> None:
    assert parse(["dead-letters:tasks=3"], []) == {"dead-letters:tasks": Signature(count=3)}
    with pytest.raises(NotReadyError, match="dead-letters:tasks: 3 rows") as refused:
        require_met([LETTERS, FINE, LAG])
    assert refused.value.__notes__ == ["lag: 99 s"]
    assert refused.value.advice is not None
    assert "understudy x" in refused.value.advice
    assert "Wait." in refused.value.advice
    require_met([FINE])
