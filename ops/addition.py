"""`add`: has the capture and the workers of a pipeline that runs begin again with the folder as it is now.

Nothing is read again but what is new: the capture goes on from its slot, the workers from their checkpoints.
"""

import time
from collections.abc import Callable, Sequence

from ops import databases, wiring
from ops.controls import audit, reload, require_control
from ops.databases import Connection
from ops.preflight.check import require_sound
from ops.stack.state import Endpoints
from ops.waiting import wait_until
from producers import marker, slot, topics
from schemas.errors import NotReadyError, UsageError
from schemas.migration import Migration

APPLICATION = "add"
_KNOWN = "SELECT entity FROM understudy.entities WHERE generation = 1"


def add(migration: Migration, at: Endpoints, entities: Sequence[str], timeout_s: float) -> None:
    """Bring entities into a pipeline that runs.

    Args:
        migration: The folder, with their files.
        at: Where the servers are.
        entities: Names of those that are new.
        timeout_s: For capture and workers each.

    Raises:
        UsageError: One of them is not new.
        NotReadyError: No capture runs; or capture or workers did not take up the folder in time.
        UnderstudyError: What `understudy check` finds wrong with the folder.
    """
    pipeline = migration.pipeline.pipeline
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        require_control(target)
        known = _known(target)
        _require_new(known, entities)
        require_sound(migration, at)
        _require_capture(source, pipeline)
        if not _is_captured(migration, at, entities):
            marker.ask_restart(source, pipeline, f"with {', '.join(entities)}")
            _await("the capture", timeout_s, lambda: _is_captured(migration, at, entities))
        with target.transaction():
            reload(target, sorted(known))
            for name in entities:
                audit(target, "add", name, {"source": str(migration.entities[name].source)})
        _await("the workers", timeout_s, lambda: _known(target).issuperset(entities))


def _known(target: Connection) -> set[str]:
    return {str(name) for (name,) in target.execute(_KNOWN).fetchall()}


def _require_new(known: set[str], entities: Sequence[str]) -> None:
    old = sorted(known.intersection(entities))
    if old:
        raise UsageError(
            f"{', '.join(old)} is in the pipeline already",
            remedy="After its rules were changed: understudy dead-letters retry, and understudy reapply.",
        )


def _require_capture(source: Connection, pipeline: str) -> None:
    slots = slot.slots_of(source, pipeline).values()
    if not any(one.active_pid is not None for one in slots):
        raise NotReadyError(
            "no capture runs", remedy="understudy run takes up new entities by itself."
        )


def _is_captured(migration: Migration, at: Endpoints, entities: Sequence[str]) -> bool:
    """Whether the topics are there: a capture makes them when it begins, and takes every table of its folder."""
    wanted = {migration.topic(migration.entities[name]) for name in entities}
    return topics.describe(wiring.admin(migration, at), wanted).keys() >= wanted


def _await(who: str, timeout_s: float, is_so: Callable[[], bool]) -> None:
    def late() -> NotReadyError:
        return NotReadyError(
            f"{who} did not take up the folder",
            remedy="Where a part runs on another machine or by itself, put the file there and start it again.",
        )

    wait_until(is_so, time.monotonic() + timeout_s, late)
