"""The life of a cutover: its states, which may follow which, and what `begin` does next. Pure.

    planned -> prepared -> fenced -> drained -> switched -> finished
    each of the first four -> aborted
    each of the last two -> returning -> returned

A fence that leaks, or a drain that takes too long, goes back to prepared; a drain that another process has made is made
again, for nobody watched since.
"""

import enum
from collections.abc import Mapping

from schemas.errors import InvariantError


class State(enum.StrEnum):
    """Where a cutover is; every state is stored in the transaction that stores the evidence for it.

    Attributes:
        PLANNED: Begun; the gates are looked at.
        PREPARED: The gates were met, and the way back is prepared.
        FENCED: Nobody writes to the legacy tables; the write pause runs.
        DRAINED: All that the source had accepted is in the target, and that is proved.
        SWITCHED: The target is written by its applications; only `rollback` leads back.
        FINISHED: The operator is content.
        ABORTED: The fence is open again; the pipeline goes on as before.
        RETURNING: Nobody writes to the target; the way back is being drained.
        RETURNED: The legacy side is written by its applications again.
    """

    PLANNED = "planned"
    PREPARED = "prepared"
    FENCED = "fenced"
    DRAINED = "drained"
    SWITCHED = "switched"
    FINISHED = "finished"
    ABORTED = "aborted"
    RETURNING = "returning"
    RETURNED = "returned"


_S = State
MOVES: Mapping[State, frozenset[State]] = {
    _S.PLANNED: frozenset({_S.PREPARED, _S.ABORTED}),
    _S.PREPARED: frozenset({_S.FENCED, _S.ABORTED}),
    _S.FENCED: frozenset({_S.DRAINED, _S.PREPARED, _S.ABORTED}),
    _S.DRAINED: frozenset({_S.SWITCHED, _S.FENCED, _S.PREPARED, _S.ABORTED}),
    _S.SWITCHED: frozenset({_S.FINISHED, _S.RETURNING}),
    _S.FINISHED: frozenset({_S.RETURNING}),
    _S.ABORTED: frozenset(),
    _S.RETURNING: frozenset({_S.RETURNED, _S.SWITCHED}),
    _S.RETURNED: frozenset(),
}
_ENDED = frozenset({_S.FINISHED, _S.ABORTED, _S.RETURNED})
# What `begin` brings about, state by state; where there is nothing, it has nothing left to do.
NEXT: Mapping[State, State] = {
    _S.PLANNED: _S.PREPARED,
    _S.PREPARED: _S.FENCED,
    _S.FENCED: _S.DRAINED,
    _S.DRAINED: _S.SWITCHED,
}


def is_open(state: State) -> bool:
    """Whether something is left to be done: one cutover of a target is open at a time."""
    return state not in _ENDED


def may_abort(state: State) -> bool:
    """Whether everything can still be as before."""
    return _S.ABORTED in MOVES[state]


def require_move(now: State, then: State) -> None:
    """See to it that one state may follow another.

    Raises:
        InvariantError: It may not.
    """
    if then not in MOVES[now]:
        raise InvariantError("a cutover cannot go from one state to the other", now=now, then=then)
