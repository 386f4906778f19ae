"""The life of a cutover, over the whole table."""

from itertools import product

import pytest

from ops.cutover.states import MOVES, NEXT, State, is_open, may_abort, require_move
from schemas.errors import InvariantError

BEFORE_SWITCH = {State.PLANNED, State.PREPARED, State.FENCED, State.DRAINED}
BACK = {
    (State.FENCED, State.PREPARED),
    (State.DRAINED, State.PREPARED),
    (State.DRAINED, State.FENCED),
    (State.RETURNING, State.SWITCHED),
}
FORTH = {
    (State.PLANNED, State.PREPARED),
    (State.PREPARED, State.FENCED),
    (State.FENCED, State.DRAINED),
    (State.DRAINED, State.SWITCHED),
    (State.SWITCHED, State.FINISHED),
    (State.SWITCHED, State.RETURNING),
    (State.FINISHED, State.RETURNING),
    (State.RETURNING, State.RETURNED),
}


@pytest.mark.parametrize(("now", "then"), list(product(State, State)))
def test_a_state_follows_another_only_forth_a_step_back_or_into_an_abort(
    now: State, then: State
) -> None:
    allowed = FORTH | BACK | {(state, State.ABORTED) for state in BEFORE_SWITCH}
    if (now, then) in allowed:
        require_move(now, then)
    else:
        with pytest.raises(InvariantError):
            require_move(now, then)


def test_every_state_has_its_moves_and_begin_leads_from_each_to_the_switch() -> None:
    assert set(MOVES) == set(State)
    for state in BEFORE_SWITCH:
        seen = [state]
        while (then := NEXT.get(seen[-1])) is not None:
            require_move(seen[-1], then)
            seen.append(then)
        assert seen[-1] is State.SWITCHED


def test_only_before_the_switch_it_may_be_aborted_and_only_an_end_is_closed() -> None:
    assert {state for state in State if may_abort(state)} == BEFORE_SWITCH
    ends = {State.FINISHED, State.ABORTED, State.RETURNED}
    assert {state for state in State if not is_open(state)} == ends
