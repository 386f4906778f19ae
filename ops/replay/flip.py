"""The swap itself: in one transaction the shadow's tables, mappings and checkpoints become the live ones.

Whoever applies a batch holds its entity's row, so nobody writes the live tables from the first lock on; the shadow
takes in what is left, and then all names change their meaning at once. Readers wait for that moment.
"""

import time
from collections.abc import Sequence
from importlib.resources import files

from psycopg import sql

from consumers import control
from consumers.plan import leaf
from consumers.specification import spec_hash
from ops.controls import audit
from ops.databases import Connection
from ops.replay import own
from ops.replay.filling import Filling
from ops.replay.journal import Rebuild
from ops.replay.own import Own
from ops.replay.shadow import Shadow
from ops.replay.tables import oids
from schemas import failpoint
from schemas.errors import ConflictError, NotReadyError

POLL_S = 0.05
# The live side stands still meanwhile: its workers ask again for a lock after five seconds.
STEP_S = 5.0
# After a rollback the target is closed to everybody else, and the new tables with it.
_SETTINGS = "SET LOCAL lock_timeout = '5s'; SET LOCAL understudy.fence = off"
_LIVE = """
    SELECT phase FROM understudy.entities WHERE generation = 1 AND entity = ANY (%s) ORDER BY entity FOR UPDATE"""
_SHADOW = """
    SELECT entity FROM understudy.entities WHERE generation = 2 AND entity = ANY (%s) ORDER BY entity FOR UPDATE"""
# Children before parents before the tables themselves, as whoever writes a row locks them.
_AROUND = """
    SELECT DISTINCT o.oid::regclass::text
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class o
        ON o.oid = CASE WHEN k.confrelid = ANY (%(oids)s::oid[]) THEN k.conrelid ELSE k.confrelid END
    WHERE k.contype = 'f' AND k.conparentid = 0
        AND (k.conrelid = ANY (%(oids)s::oid[])) <> (k.confrelid = ANY (%(oids)s::oid[]))
    ORDER BY 1"""
_MOVED = files("ops.replay").joinpath("moved.sql").read_bytes()
_FLIP = files("ops.replay").joinpath("flip.sql").read_text()
_BEFORE, _AFTER, _LATER = range(3)


class Flip:
    """One attempt; in a transaction of the target, which the caller begins and ends."""

    def __init__(
        self, target: Connection, shadow: Shadow, rebuild: Rebuild, own_values: Sequence[Own]
    ) -> None:
        """Change nothing yet."""
        self._target = target
        self._shadow = shadow
        self._rebuild = rebuild
        self._own = own_values

    def run(self, worker: Filling) -> None:
        """Do all of it.

        Raises:
            ConflictError: Rules have changed since the shadow was made, or an entity is in another phase.
            NotReadyError: The shadow does not get into step.
            psycopg.errors.LockNotAvailable: Somebody uses a table for long.
        """
        self._target.execute(_SETTINGS)
        self._hold_still(worker)
        statements = self._statements()
        self._lock_tables()
        own.carry(self._target, self._shadow, self._own)
        self._execute(statements[_BEFORE])
        self._move()
        self._execute(statements[_AFTER])
        own.number(self._target, self._shadow, self._own)
        self._flip(statements[_LATER])
        failpoint.reach("swap.before_commit")

    def _hold_still(self, worker: Filling) -> None:
        """Lock the live entities, then those of the shadow once they are in step."""
        names = [list(self._shadow.entities)]
        control.lock_registration(self._target)
        phases = {str(phase) for (phase,) in self._target.execute(_LIVE, names).fetchall()}
        if phases != {"tail"}:
            raise ConflictError("not all entities are in the phase tail", phases=sorted(phases))
        deadline = time.monotonic() + STEP_S
        while behind := worker.behind(self._target):
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"the shadow did not get into step in {STEP_S:g} s",
                    behind=behind,
                    remedy="Repeat the command; at a quieter time if that does not help.",
                )
            time.sleep(POLL_S)
        self._target.execute(_SHADOW, names)

    def _statements(self) -> dict[int, list[str]]:
        parameters = {"oids": oids(self._target, self._shadow.tables), "old": self._shadow.old}
        found: dict[int, list[str]] = {_BEFORE: [], _AFTER: [], _LATER: []}
        for step, _, statement in self._target.execute(_MOVED, parameters).fetchall():
            found[int(str(step))].append(str(statement))
        return found

    def _lock_tables(self) -> None:
        tables = {"oids": oids(self._target, self._shadow.tables)}
        for (name,) in self._target.execute(_AROUND, tables).fetchall():
            self._target.execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE".encode())
        for place in self._shadow.tables:
            self._target.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(*place)))

    def _execute(self, statements: list[str]) -> None:
        for statement in statements:
            self._target.execute(statement.encode())

    def _move(self) -> None:
        """Tables and mappings change places; the schema of the shadow goes."""
        new, old = sql.Identifier(self._shadow.schema), sql.Identifier(self._shadow.old)
        self._target.execute(sql.SQL("CREATE SCHEMA {}").format(old))
        for schema, name in self._shadow.tables:
            move = sql.SQL("ALTER TABLE {}.{} SET SCHEMA {}").format
            live, table = sql.Identifier(schema), sql.Identifier(name)
            self._target.execute(move(live, table, old))
            self._target.execute(move(new, table, live))
        for name in self._shadow.entities:
            self._target.execute(
                sql.SQL(_MOVE_MAPPING).format(
                    leaf=sql.Identifier(leaf(name)), entity=sql.Literal(name), new=new, old=old
                )
            )
        self._target.execute(sql.SQL("DROP TABLE {}.migration_mappings").format(new))
        self._target.execute(sql.SQL("DROP SCHEMA {}").format(new))

    def _flip(self, later: list[str]) -> None:
        for name in self._shadow.entities:
            entity = self._shadow.live.entities[name]
            known = {
                "entity": name,
                "target": str(entity.target),
                "hash": spec_hash(entity, self._shadow.live.folder),
            }
            for statement in _FLIP.split(";\n"):
                self._target.execute(statement.encode(), known)
            audit(self._target, "swap", name, {"old": self._shadow.old})
        self._target.execute(_SWAPPED, [later, self._rebuild.id])


# The check is what spares the look at all rows.
_MOVE_MAPPING = """
    ALTER TABLE understudy.migration_mappings DETACH PARTITION understudy.{leaf};
    ALTER TABLE understudy.{leaf} SET SCHEMA {old};
    ALTER TABLE {new}.migration_mappings DETACH PARTITION {new}.{leaf};
    ALTER TABLE {new}.{leaf} SET SCHEMA understudy;
    ALTER TABLE understudy.migration_mappings ATTACH PARTITION understudy.{leaf} FOR VALUES IN ({entity});
    ALTER TABLE understudy.{leaf} DROP CONSTRAINT understudy_entity"""
_SWAPPED = (
    "UPDATE understudy.rebuilds SET swapped_at = clock_timestamp(), unvalidated = %s WHERE id = %s"
)
