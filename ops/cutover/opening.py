"""Opening the fence again: by an abort, or because something went wrong before the switch."""

from collections.abc import Iterator
from contextlib import contextmanager

from ops.cutover.fence import Taken
from ops.cutover.gates import Sight
from ops.cutover.journal import Journal
from ops.cutover.states import State, may_abort
from producers.source import source_errors

# Names of steps: what the fence is going to take, and that it was given back.
TAKES, OPENED = "fence takes", "fence opened"
_CLOSED = "the legacy side is closed to writes until understudy cutover begin or abort"


def taken(journal: Journal) -> Taken | None:
    """What the fence has taken and not given back."""
    step = journal.last(TAKES, OPENED)
    return Taken.from_json(step.evidence) if step and step.step == TAKES else None


def open_fence(seen: Sight, journal: Journal, then: State, why: str) -> None:
    """Give back what the fence took, in the transaction that says so: nobody can switch meanwhile.

    Does nothing once it is switched.
    """
    with seen.target.transaction():
        if not may_abort(journal.settled_state()):
            return
        if (given_back := taken(journal)) is not None:
            with source_errors():
                seen.fence.open(given_back)
        journal.record(OPENED, {"why": why}, then=None if journal.state is then else then)


@contextmanager
def opening_on_failure(seen: Sight, journal: Journal) -> Iterator[None]:
    """Open the fence whatever goes wrong within; where that is not possible, the error says that it is closed."""
    try:
        yield
    except BaseException as error:
        try:
            open_fence(seen, journal, State.PREPARED, str(error))
        except Exception as second:  # noqa: BLE001 - noted; the first error is the one to be raised
            error.add_note(f"the fence could not be opened ({type(second).__name__}): {_CLOSED}")
        raise
