"""Before a start: does another capture of the pipeline live?"""

import time

from ops import databases
from ops.databases import Connection
from ops.stack.state import Endpoints
from producers import slot
from producers.slot import Slot
from producers.stream import STATUS_INTERVAL_S
from schemas.migration import Migration

# A living capture gives several signs of life in that time; one whose `run` was just killed has ended.
ANSWER_WAIT_S = 4 * STATUS_INTERVAL_S
_LOOK_S = 0.1


def require_none(migration: Migration, at: Endpoints) -> None:
    """Let nothing start beside a living capture: it would be refused, and its workers take work from the others.

    Raises:
        ConflictError: There is one. One that is ending is waited for; one that is dead, though the server holds its
            slot yet, is none.
    """
    pipeline = migration.pipeline.pipeline
    with databases.source(at.source_dsn, "check") as connection:
        first = now = _captured(connection, pipeline)
        deadline = time.monotonic() + ANSWER_WAIT_S
        while now is not None and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            now = _captured(connection, pipeline)
        if first is not None and now is not None and now.has_answered_since(first):
            raise now.in_use


def _captured(connection: Connection, pipeline: str) -> Slot | None:
    slots = slot.slots_of(connection, pipeline).values()
    return next((found for found in slots if found.active_pid is not None), None)
