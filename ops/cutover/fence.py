"""The fence around the legacy tables: from its closing on nobody writes to them, and what was being written has ended.

Two ways, which add up. Roles lose LOGIN, and their sessions are ended until none is left. And a statement trigger on
each captured table refuses every write, also of its owner and of a superuser, but for sessions that set
`understudy.fence = off`: the way back needs that. Opening gives back exactly what closing has recorded.
Source: PostgreSQL manual, "CREATE TRIGGER" (the lock that it takes waits for open writers), "ALTER TABLE" (ENABLE
ALWAYS: also under session_replication_role = replica), "Server Signaling Functions".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from ops.databases import Connection
from schemas.errors import NotReadyError
from schemas.pipeline import Cutover as Settings

TRIGGER = "understudy_fence"
# How long open transactions may take to end by themselves; then they are ended, and roll back.
GRACE_S = 1.0
POLL_S = 0.02
_TABLES = files("ops.cutover").joinpath("fence_tables.sql").read_bytes()
_FUNCTION = files("ops.cutover").joinpath("fence_function.sql").read_bytes()
_HOLDERS = files("ops.cutover").joinpath("fence_holders.sql").read_bytes()
_LOGINS = """
    SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (%s) AND rolcanlogin ORDER BY 1"""
_SESSIONS = """
    SELECT pid FROM pg_catalog.pg_stat_activity
    WHERE usename = ANY (%s) AND datname = current_database() AND pid <> pg_backend_pid()"""
_PREPARED = "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()"
_END = "SELECT pid, pg_catalog.pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid"
_CREATE = sql.SQL(
    "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION understudy.refuse_writes()"
)
_ALWAYS = sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
_DROP = sql.SQL("DROP TRIGGER IF EXISTS {trigger} ON {table}")


class Fenced(NamedTuple):
    """A table with what fence_tables.sql says of it."""

    schema: str
    name: str
    oid: int
    is_fenced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the fence takes: it is recorded before, and given back by opening.

    Attributes:
        logins: Roles that could log in before.
        tables: Schema and name of the tables that refuse.
    """

    logins: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, object]:
        """As evidence."""
        return asdict(self)

    @classmethod
    def from_json(cls, evidence: Mapping[str, Any]) -> "Taken":
        """Read what `as_json` wrote."""
        tables = tuple((str(schema), str(name)) for schema, name in evidence["tables"])
        return cls(logins=tuple(evidence["logins"]), tables=tables)


@dataclass(slots=True, kw_only=True)
class Closed:
    """What closing met.

    Attributes:
        sessions_ended: Of the writers.
        transactions_ended: Of anybody, on captured tables, that did not end by themselves in time.
    """

    sessions_ended: int = 0
    transactions_ended: int = 0


class Fence:
    """The fence of one pipeline; with a session of the source in autocommit."""

    def __init__(
        self, connection: Connection, settings: Settings, places: Sequence[tuple[str, str]]
    ) -> None:
        """Touch nothing yet.

        Args:
            connection: To the source.
            settings: Whom it shuts out.
            places: Schema and name of the captured tables.
        """
        self._connection = connection
        self._settings = settings
        schemas, names = zip(*places, strict=True)
        self._places = {"schemas": list(schemas), "tables": list(names)}

    def tables(self) -> list[Fenced]:
        """The captured tables and their partitions."""
        rows = self._connection.execute(_TABLES, self._places).fetchall()
        return [Fenced(str(s), str(t), int(str(oid)), bool(is_)) for s, t, oid, is_ in rows]

    def takes(self, before: Taken | None = None) -> Taken:
        """What closing is going to take, with what an interrupted one has taken already."""
        rows = self._connection.execute(_LOGINS, [list(self._settings.writers)]).fetchall()
        refusing = self.tables() if self._settings.tables_refuse else []
        before = before or Taken(logins=(), tables=())
        return Taken(
            logins=tuple(sorted({*before.logins, *(str(name) for (name,) in rows)})),
            tables=tuple(sorted({*before.tables, *((t.schema, t.name) for t in refusing)})),
        )

    def close(self, taken: Taken, deadline: float) -> Closed:
        """Close it; what is closed already is left as it is.

        Args:
            taken: As recorded.
            deadline: By `time.monotonic`.

        Raises:
            NotReadyError: A prepared transaction remains, or sessions do not end in time.
        """
        self._require_nothing_prepared()
        closed = Closed()
        grace = time.monotonic() + GRACE_S
        for role in taken.logins:
            self._connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
        closed.sessions_ended = self._end_all(self._sessions, deadline, deadline_is="the writers")
        if taken.tables:
            closed.transactions_ended = self._close_tables(grace, deadline)
        else:
            closed.transactions_ended = self._end_transactions(grace, deadline)
        closed.sessions_ended += self._end_all(self._sessions, deadline, deadline_is="the writers")
        self._require_nothing_prepared()
        return closed

    def open(self, taken: Taken) -> None:
        """Give back what was taken; what is open already is left as it is."""
        for schema, name in taken.tables:
            drop = _DROP.format(trigger=sql.Identifier(TRIGGER), table=sql.Identifier(schema, name))
            self._connection.execute(drop)
        for role in taken.logins:
            self._connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(role)))
        # Another pipeline of this database, or the way back, may need them still.
        with suppress(psycopg.errors.DependentObjectsStillExist), self._connection.transaction():
            self._connection.execute("DROP FUNCTION IF EXISTS understudy.refuse_writes()")
            self._connection.execute("DROP SCHEMA IF EXISTS understudy")

    def writing(self) -> int:
        """Sessions that have an open transaction on a captured table: closing waits for them, or ends them."""
        return len(self._holders([table.oid for table in self.tables()]))

    def prepared(self) -> list[str]:
        """Prepared transactions: their writes come with COMMIT PREPARED, whoever may log in."""
        return [str(gid) for (gid,) in self._connection.execute(_PREPARED).fetchall()]

    def _close_tables(self, grace: float, deadline: float) -> int:
        """Have each captured table refuse writes: its lock is given when nobody writes to it.

        Returns:
            How many transactions were ended for it.
        """
        self._connection.execute(_FUNCTION)
        ended = 0
        for table in self.tables():
            while not table.is_fenced and not self._refuses(table, grace):
                ended += self._end(self._holders([table.oid]))
                _require_time(deadline, f"the lock of {table.schema}.{table.name}")
        return ended

    def _end_transactions(self, grace: float, deadline: float) -> int:
        """Wait for those who write to a captured table, then end them.

        Returns:
            How many were ended.
        """
        oids = [table.oid for table in self.tables()]
        while time.monotonic() < grace and self._holders(oids):
            time.sleep(POLL_S)
        return self._end_all(lambda: self._holders(oids), deadline, deadline_is="open transactions")

    def _require_nothing_prepared(self) -> None:
        if prepared := self.prepared():
            raise NotReadyError(
                "the source has prepared transactions",
                count=len(prepared),
                remedy="COMMIT PREPARED or ROLLBACK PREPARED each of pg_prepared_xacts.",
            )

    def _refuses(self, table: Fenced, grace: float) -> bool:
        """Have a table refuse writes, once those who write to it have ended; whether that came true in time."""
        wait_ms = max(1, round((grace - time.monotonic()) * 1000), round(POLL_S * 1000))
        names = {
            "trigger": sql.Identifier(TRIGGER),
            "table": sql.Identifier(table.schema, table.name),
        }
        try:
            with self._connection.transaction():
                self._connection.execute(
                    "SELECT set_config('lock_timeout', %s, true)", [f"{wait_ms}ms"]
                )
                self._connection.execute(_CREATE.format(**names))
                self._connection.execute(_ALWAYS.format(**names))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            return False
        return True

    def _sessions(self) -> list[int]:
        rows = self._connection.execute(_SESSIONS, [list(self._settings.writers)]).fetchall()
        return [int(str(pid)) for (pid,) in rows]

    def _holders(self, oids: list[int]) -> list[int]:
        rows = self._connection.execute(_HOLDERS, {"oids": oids}).fetchall()
        return [int(str(pid)) for (pid,) in rows]

    def _end(self, pids: list[int]) -> int:
        rows = self._connection.execute(_END, [pids]).fetchall() if pids else []
        return sum(bool(ended) for _, ended in rows)

    def _end_all(self, find: Callable[[], list[int]], deadline: float, *, deadline_is: str) -> int:
        """End sessions until none is found."""
        ended: set[int] = set()
        while pids := find():
            self._end(pids)
            ended.update(pids)
            _require_time(deadline, deadline_is)
            time.sleep(POLL_S)
        return len(ended)


def _require_time(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise NotReadyError(
            f"the fence waited too long for {what}", remedy="See pg_stat_activity of the source."
        )
