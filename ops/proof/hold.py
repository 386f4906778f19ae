"""Holding the workers at an offset of each partition, for as long as somebody looks.

A hold is a lease: it ends by itself if whoever took it is gone.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from ops.databases import Connection
from schemas.errors import ConflictError, NotReadyError

Place = tuple[str, int]
LEASE_S = 60
_HOLD = files("ops.proof").joinpath("hold.sql").read_bytes()
_RELEASE = """
    UPDATE understudy.checkpoints SET held_offset = NULL, held_until = NULL
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND held_until IS NOT NULL"""
_RENEW = """
    UPDATE understudy.checkpoints SET held_until = clock_timestamp() + make_interval(secs => %s)
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND held_until > now()"""
_BEHIND = """
    SELECT topic, partition, held_offset - next_offset FROM understudy.checkpoints
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s) AND next_offset < held_offset"""
_ASTRAY = """
    SELECT count(*) FROM understudy.checkpoints
    WHERE generation = understudy.generation(entity)
        AND entity = ANY (%s) AND next_offset IS DISTINCT FROM held_offset"""
# A parent that is there wakes its children within a second or so; a delete waits for those of its children.
_MAY_GO = """
    SELECT count(*) FILTER (WHERE deleted), array_agg(DISTINCT waits_for) FILTER (WHERE NOT deleted)
    FROM understudy.waiting
    WHERE generation = understudy.generation(entity) AND entity = ANY (%(entities)s)
        AND (deleted OR reason IN ('watermark', 'parent'))"""
_PARENT_IS_THERE = """
    SELECT count(*) FROM understudy.waiting w
    JOIN understudy.migration_mappings m ON m.entity = w.waits_for AND m.id = w.waits_id
    WHERE w.generation = understudy.generation(w.entity) AND w.entity = ANY (%(entities)s)
        AND NOT w.deleted AND w.reason IN ('watermark', 'parent')
        AND m.generation = 1 AND m.state = 'l' AND m.entity = ANY (%(parents)s)"""
# Two holds would each lift the other's. Any number that nobody else takes.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('understudy'), hashtext('exact point'))"


class Hold:
    """Partitions of some entities, held; for one session, which is outside of a transaction."""

    def __init__(self, connection: Connection, entities: Sequence[str]) -> None:
        """Hold nothing yet.

        Raises:
            ConflictError: Somebody else looks at an exact point of this target.
        """
        self._connection = connection
        self._entities = list(entities)
        if connection.execute(_LOCK).fetchall() != [(True,)]:
            raise ConflictError(
                "somebody else looks at an exact point of this target",
                remedy="Wait until that has ended; it takes seconds.",
            )

    def here(self) -> dict[Place, int]:
        """Hold every partition where it stands.

        Returns:
            The offsets.
        """
        return self._hold({})

    def at(self, offsets: Mapping[Place, int]) -> None:
        """Let every partition go on to an offset, and hold it there."""
        self._hold(offsets)

    def _hold(self, offsets: Mapping[Place, int]) -> dict[Place, int]:
        parameters = {
            "entities": self._entities,
            "topics": [topic for topic, _ in offsets],
            "partitions": [partition for _, partition in offsets],
            "offsets": list(offsets.values()),
            "seconds": LEASE_S,
        }
        rows = self._connection.execute(_HOLD, parameters).fetchall()
        return {(str(topic), int(str(part))): int(str(offset)) for topic, part, offset in rows}

    def behind(self) -> dict[Place, int]:
        """How many records each partition still has to go; makes the lease longer.

        Raises:
            NotReadyError: The hold has ended meanwhile.
        """
        if not self._connection.execute(_RENEW, [LEASE_S, self._entities]).rowcount:
            raise NotReadyError("the hold has ended: it took too long", remedy="Try again.")
        rows = self._connection.execute(_BEHIND, [self._entities]).fetchall()
        return {(str(topic), int(str(part))): int(str(records)) for topic, part, records in rows}

    def require(self, target: Connection) -> None:
        """See to it that a snapshot of the target is exactly at the offsets: a lease may have ended too early.

        Raises:
            NotReadyError: It is not.
        """
        if target.execute(_ASTRAY, [self._entities]).fetchall() != [(0,)]:
            raise NotReadyError(
                "the workers went on before both sides were seen", remedy="Try again."
            )

    def could_go(self) -> int:
        """Rows that wait for a parent that is there by now, and deletes that wait.

        No index of a mapping leads from a UUID to its row: each mapping that is asked is read once, and no more than
        that, whatever the statistics say of how few rows wait.
        """
        with self._connection.transaction():
            self._connection.execute("SET LOCAL enable_nestloop = off")
            entities = {"entities": self._entities}
            ((deletes, parents),) = self._connection.execute(_MAY_GO, entities).fetchall()
            asked = {"entities": self._entities, "parents": parents}
            ((come,),) = self._connection.execute(_PARENT_IS_THERE, asked).fetchall()
        return int(str(deletes)) + int(str(come))

    def release(self) -> None:
        """Let everything go on."""
        self._connection.execute(_RELEASE, [self._entities])
