"""What an operator tells the workers, through the control schema; they read it with every batch, wherever they run."""

from collections.abc import Mapping, Sequence

from psycopg.types.json import Jsonb

from ops.databases import Connection
from schemas.errors import NotReadyError

_PAUSE = """
    UPDATE understudy.entities SET held_at = now()
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND held_at IS NULL RETURNING entity
"""
_RESUME = """
    UPDATE understudy.entities SET held_at = NULL, stopped_at = NULL, stopped_reason = NULL
    WHERE generation = understudy.generation(entity)
        AND entity = ANY (%s) AND (held_at IS NOT NULL OR stopped_at IS NOT NULL) RETURNING entity
"""
_RELOAD = """
    UPDATE understudy.entities SET reload_at = clock_timestamp()
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) RETURNING entity
"""
_AUDIT = "INSERT INTO understudy.audit_log (action, subject, detail) VALUES (%s, %s, %s)"
_HAS_CONTROL = "SELECT to_regclass('understudy.entities') IS NOT NULL"


def pause(connection: Connection, entities: Sequence[str]) -> list[str]:
    """Hold entities; waits for the batches that are being applied.

    Returns:
        Those that were not held already.

    Raises:
        NotReadyError: No worker has ever run.
    """
    return _change(connection, "pause", _PAUSE, entities)


def resume(connection: Connection, entities: Sequence[str]) -> list[str]:
    """Let go entities that were paused, or that stopped by themselves.

    Returns:
        Those that were.

    Raises:
        NotReadyError: No worker has ever run.
    """
    return _change(connection, "resume", _RESUME, entities)


def reload(connection: Connection, entities: Sequence[str]) -> list[str]:
    """Have the workers of some entities start again, with the rules as they are in the folder.

    Returns:
        These entities.

    Raises:
        NotReadyError: No worker has ever run.
    """
    return _change(connection, "reload", _RELOAD, entities)


def _change(connection: Connection, action: str, query: str, entities: Sequence[str]) -> list[str]:
    require_control(connection)
    with connection.transaction():
        changed = [
            str(row[0]) for row in connection.execute(query.encode(), (list(entities),)).fetchall()
        ]
        for entity in changed:
            audit(connection, action, entity, {})
    return sorted(changed)


def require_control(connection: Connection) -> None:
    """Refuse a target that no worker has ever seen.

    Raises:
        NotReadyError: There is no control schema.
    """
    if connection.execute(_HAS_CONTROL).fetchall() == [(False,)]:
        raise NotReadyError(
            "the target has no control schema yet", remedy="Run the pipeline first: understudy run."
        )


def audit(connection: Connection, action: str, subject: str, detail: Mapping[str, object]) -> None:
    """Record what an operator did, in the transaction that does it."""
    connection.execute(_AUDIT, (action, subject, Jsonb(dict(detail))))
