"""The fence around the tables of the target: closed by a rollback, and opened again by the next switch."""

from ops.cutover.fence import Fence, Taken
from ops.cutover.journal import Journal
from ops.databases import Connection
from schemas.migration import Migration

# Names of steps: what it is going to take, and that it was given back.
TAKES, OPENED = "target fence takes", "target fence opened"


def target_fence(target: Connection, migration: Migration) -> Fence:
    """The fence around the target's tables."""
    settings = migration.pipeline.cutover
    places = list(dict.fromkeys(entity.target.place for entity in migration.entities.values()))
    own = settings.model_copy(update={"writers": settings.target_writers})
    return Fence(target, own, places)


def open_target(target: Connection, journal: Journal, fence: Fence, why: str) -> None:
    """Give back what it has taken, if it has taken something."""
    known = taken_of_target(journal)
    if known is not None:
        with target.transaction():
            fence.open(known)
            journal.record(OPENED, {"why": why})


def taken_of_target(journal: Journal) -> Taken | None:
    """What it has taken and not given back, in whichever cutover."""
    step = journal.last_ever(TAKES, OPENED)
    return Taken.from_json(step.evidence) if step and step.step == TAKES else None
