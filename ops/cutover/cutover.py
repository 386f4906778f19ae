"""The cutover as its commands see it: `begin` brings the state on, `abort` leads back, `finish` ends it."""

from ops import databases
from ops.cutover import gates, hooks, reverse
from ops.cutover.beginning import Beginning
from ops.cutover.gate import Gate, judge
from ops.cutover.journal import Journal, to_roll_back
from ops.cutover.opening import open_fence
from ops.cutover.order import Order, sight
from ops.cutover.returning import Returning
from ops.cutover.states import State, may_abort
from schemas import failpoint
from schemas.errors import NotReadyError


def look(order: Order) -> list[Gate]:
    """The gates as they stand, with what is signed off; nothing is changed."""
    with sight(order) as seen:
        return judge(gates.look(seen), order.accepted)


def begin(order: Order) -> None:
    """Bring a cutover on until it is switched: a new one, or the one that is open.

    Raises:
        NotReadyError: A gate is not met, or the source is not drained in time: the fence is open again.
        MismatchError: What changed since the last verification differs: the fence is open again.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        Beginning(order, seen, Journal.open(seen.target, begins=True)).run()


def abort(order: Order) -> None:
    """Open the fence and leave everything as before.

    Raises:
        NotReadyError: No cutover is open, or it is switched already.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        journal = Journal.open(seen.target, begins=False)
        if not may_abort(journal.state):
            raise NotReadyError(
                "the target is written by its applications already", remedy="understudy rollback"
            )
        if journal.state is not State.PLANNED:
            open_fence(seen, journal, State.PREPARED, "aborted by the operator")
        order.say("the legacy side is written as before, and the pipeline goes on")
        hooks.run(order, journal, "after_abort")
        reverse.drop(order.migration, order.at)
        journal.record("aborted", {}, then=State.ABORTED)


def finish(order: Order) -> None:
    """End a cutover that is switched. The fence of the legacy tables stays closed.

    Raises:
        NotReadyError: No cutover is open, or it is not switched.
        ConflictError: Another operator is at it.
    """
    with sight(order) as seen:
        journal = Journal.open(seen.target, begins=False)
        if journal.state is not State.SWITCHED:
            raise NotReadyError(
                f"the cutover is {journal.state}, not switched", remedy="understudy cutover begin"
            )
        journal.record("finished", {}, then=State.FINISHED)
        failpoint.reach("cut.finished")


def require_to_roll_back(order: Order) -> None:
    """Let nobody be asked for a confirmation of what cannot be.

    Raises:
        NotReadyError: It is not switched.
    """
    with databases.target(order.at.target_dsn, "cutover") as target:
        to_roll_back(target)


def rollback(order: Order) -> None:
    """Take what the target has accepted back to the legacy side, and have that one written again.

    Raises:
        NotReadyError: It is not switched; there is no way back, or it is not drained in time: the target is open again.
        ConflictError: Another operator is at it; or workers, or `understudy reverse`, do not end.
    """
    with sight(order) as seen:
        Returning(order, seen, Journal.reopen(seen.target)).run()
