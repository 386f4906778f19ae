"""Rebuilds as the control schema has them: one is open at most, and one command at a time works on it."""

from dataclasses import dataclass

from ops.controls import require_control
from ops.databases import Connection
from schemas.errors import ConflictError, NotReadyError

_LOCK = "SELECT pg_try_advisory_lock(hashtext('understudy'), hashtext('rebuild'))"
_HAS_TABLE = "SELECT to_regclass('understudy.rebuilds') IS NOT NULL"
_UNDROPPED = """
    SELECT id, shadow, entities, swapped_at IS NOT NULL, unvalidated FROM understudy.rebuilds
    WHERE dropped_at IS NULL ORDER BY id DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """A rebuild whose shadow, or whose old tables, are there.

    Attributes:
        schema: Of the shadow.
        swapped: Whether the shadow is live.
        unvalidated: Statements that validate foreign keys, left to do since the swap.
    """

    id: int
    schema: str
    entities: tuple[str, ...]
    swapped: bool
    unvalidated: tuple[str, ...]


def take(target: Connection) -> None:
    """Be the one who rebuilds, for as long as the session lasts.

    Raises:
        NotReadyError: No worker of this version has ever run.
        ConflictError: Another command does.
    """
    require_control(target)
    if target.execute(_HAS_TABLE).fetchall() != [(True,)]:
        raise NotReadyError(
            "no worker of this version has run yet", remedy="Start the workers again."
        )
    if target.execute(_LOCK).fetchall() != [(True,)]:
        raise ConflictError(
            "another command rebuilds entities of this target",
            remedy="Wait for it, or stop it: whatever it has done is gone on with.",
        )


def newest(target: Connection, schema: str | None = None) -> Rebuild | None:
    """The newest rebuild that has left something; of all schemas, or of one."""
    found = (one for one in undropped(target) if schema in (None, one.schema))
    return next(found, None)


def undropped(target: Connection) -> list[Rebuild]:
    """The rebuilds that have left something, the newest first; none where the control schema is older than they."""
    if target.execute(_HAS_TABLE).fetchall() != [(True,)]:
        return []
    return [
        Rebuild(
            id=int(str(number)),
            schema=str(shadow),
            entities=_texts(entities),
            swapped=bool(swapped),
            unvalidated=_texts(unvalidated),
        )
        for number, shadow, entities, swapped, unvalidated in target.execute(_UNDROPPED).fetchall()
    ]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
