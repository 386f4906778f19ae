"""Keeping a verification in the target's control schema while it goes on, so that a stopped one need not begin anew.

No value of a row is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from ops.controls import require_control
from ops.databases import Connection
from ops.proof import verified
from ops.proof.verification import EntityVerification, Verification
from ops.proof.verified import Stored
from schemas.errors import NotReadyError
from schemas.migration import Migration

_BEGIN = """
    INSERT INTO understudy.verifications (resumes, entities, scope, lsn, at, seconds, clean, versions)
    VALUES (%s, %s, %s, %s, %s, 0, false, %s) RETURNING id"""
_ENTITY = """
    INSERT INTO understudy.verified_entities
        (verification, entity, spec_version, compared, differing, found, differences, waiting, offsets, clean)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_FINISH = """
    UPDATE understudy.verifications SET finished = true, seconds = %s, clean = %s, checks = %s WHERE id = %s"""
_NEWEST = """
    SELECT coalesce(resumes, id), entities, finished FROM understudy.verifications
    WHERE scope = 'all' ORDER BY id DESC LIMIT 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A verification of all rows that was stopped.

    Attributes:
        run: Id of its first attempt.
        entities: That it was asked for.
        done: Those that need not be looked at again.
    """

    run: int
    entities: tuple[str, ...]
    done: tuple[Stored, ...]

    @property
    def left(self) -> list[str]:
        """The entities that are still to be looked at."""
        done = {stored.entity for stored in self.done}
        return [name for name in self.entities if name not in done]


def unfinished(connection: Connection, migration: Migration) -> Unfinished:
    """The newest verification of all rows, if it was stopped before its end.

    Of its entities those are done that were clean, and still are what the same rules make of the same table.

    Args:
        connection: To the target.
        migration: With the rules as they are in the folder.

    Raises:
        NotReadyError: There is none.
    """
    require_control(connection)
    rows = connection.execute(_NEWEST).fetchall()
    if not rows or rows[0][2]:
        raise NotReadyError(
            "no verification was stopped before its end", remedy="Begin one: understudy verify."
        )
    run, names = int(str(rows[0][0])), rows[0][1]
    known = (
        [name for name in names if name in migration.entities] if isinstance(names, list) else []
    )
    found = verified.newest(connection, migration, known, run)
    return Unfinished(
        run=run,
        entities=tuple(known),
        done=tuple(found[n] for n in known if n in found and verified.unfit(found[n]) is None),
    )


class Storing:
    """One verification in the control schema."""

    def __init__(self, connection: Connection, migration: Migration) -> None:
        """Keep it there.

        Args:
            connection: To the target, outside of a transaction: each entity is committed as it is done.
            migration: Knows the topics.
        """
        self._connection = connection
        self._migration = migration
        self._id = 0

    def begin(
        self, head: Verification, names: Sequence[str], versions: Mapping[str, str], run: int | None
    ) -> None:
        """Note that it has begun.

        Args:
            head: Its point.
            names: Of all entities that it was asked for.
            versions: Of understudy and the servers.
            run: Id of the first attempt, if it goes on with one.
        """
        point = (head.scope, head.lsn, head.at, Jsonb(dict(versions)))
        rows = self._connection.execute(_BEGIN, [run, list(names), *point]).fetchall()
        self._id = int(str(rows[0][0]))

    def keep(self, head: Verification, entity: EntityVerification) -> None:
        """Keep what was found of an entity, all of whose rows that matter were compared."""
        topic = self._migration.topic(self._migration.entities[entity.entity])
        parts = {str(part): offset for (of, part), offset in head.offsets.items() if of == topic}
        columns = (*_columns(entity), Jsonb({topic: parts}), entity.is_clean)
        self._connection.execute(_ENTITY, [self._id, *columns])

    def finish(self, verification: Verification) -> None:
        """Note that it has come to its end."""
        checks = Jsonb([check.as_json() for check in verification.checks])
        values = [verification.seconds, verification.is_clean, checks, self._id]
        self._connection.execute(_FINISH, values)


def _columns(entity: EntityVerification) -> Sequence[object]:
    differences = [
        {"key": d.key, "kind": d.kind.value, "columns": list(d.columns)} for d in entity.differences
    ]
    found = {kind.value: count for kind, count in entity.found.items()}
    return (
        entity.entity,
        entity.spec_version,
        entity.rows,
        entity.differing,
        Jsonb(found),
        Jsonb(differences),
        Jsonb(entity.waiting),
    )
