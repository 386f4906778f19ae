"""What the page shows beside a status: whom rows wait for, what the last verifications found, and the cutover."""

from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any

from psycopg.rows import class_row

from ops.cutover import report
from ops.cutover.report import Report
from ops.databases import Connection
from schemas.migration import Migration

_WAITING = files("ops.serve").joinpath("waiting.sql").read_bytes()
_VERIFIED = files("ops.serve").joinpath("verified.sql").read_bytes()
# No worker of this version has run yet.
_HAS_VERIFIED = "SELECT to_regclass('understudy.verified_entities') IS NOT NULL"
# What `understudy verify` calls a row of the source that is nowhere.
_NOWHERE = ("missing in the target", "nothing is recorded of it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A row of waiting.sql."""

    entity: str
    reason: str
    waits_for: str | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A row of verified.sql.

    Attributes:
        found: Rows by what was said of them, the explained ones too.
        differences: Key, kind and columns of faults, without values.
    """

    entity: str
    compared: int
    differing: int
    found: dict[str, int]
    differences: list[dict[str, Any]]
    scope: str
    lsn: int
    at: datetime
    seconds: float
    who: str

    @property
    def unaccounted(self) -> int:
        """Rows of the source that are neither in the target nor recorded anywhere."""
        return sum(self.found.get(kind, 0) for kind in _NOWHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """All that is read from the target for a look, but the status; empty before the first worker has run."""

    waiting: tuple[Waiting, ...] = ()
    verified: dict[str, Verified] = field(default_factory=dict)
    cutover: Report | None = None


def read(connection: Connection, migration: Migration) -> Beside:
    """Read it.

    Raises:
        NotReadyError: No worker has ever run.
    """
    cutover = report.read(connection, migration)
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        waiting = cursor.execute(_WAITING).fetchall()
    return Beside(
        waiting=tuple(waiting),
        verified={one.entity: one for one in verified(connection)},
        cutover=cutover if cutover.cutover else None,
    )


def verified(connection: Connection) -> list[Verified]:
    """The newest verification of each entity, in alphabetical order."""
    if connection.execute(_HAS_VERIFIED).fetchall() == [(False,)]:
        return []
    with connection.cursor(row_factory=class_row(Verified)) as cursor:
        return cursor.execute(_VERIFIED).fetchall()
