"""Which side may write the rows of entities: moved for all of them at once, under the lock that every apply holds."""

from collections.abc import Sequence

from ops.databases import Connection
from schemas.errors import ConflictError

_LOCKED = """
    SELECT phase FROM understudy.entities WHERE generation = understudy.generation(entity) AND entity = ANY (%s)
    ORDER BY entity FOR UPDATE"""
_MOVE = """
    UPDATE understudy.entities SET phase = %s
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s)"""


def move(target: Connection, entities: Sequence[str], now: str, then: str) -> None:
    """Move entities from one phase to another; waits for the batches that are being applied.

    Args:
        target: In the transaction that says so.
        entities: Names.
        now: Their phase, of each of them.
        then: The phase that follows.

    Raises:
        ConflictError: One of them is in another phase.
    """
    found = [str(phase) for (phase,) in target.execute(_LOCKED, [list(entities)]).fetchall()]
    if found != [now] * len(entities):
        raise ConflictError(f"not all entities are in the phase {now}", phases=sorted(set(found)))
    target.execute(_MOVE, [then, list(entities)])
