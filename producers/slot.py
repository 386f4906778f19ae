"""The pipeline's replication slot, by name.

A slot is named after the pipeline and a random suffix, which the `intent` record holds before the
slot is created: so a slot of ours is told from one that somebody made under the same name.
Source: PostgreSQL manual, "IDENTIFY_SYSTEM" and "pg_replication_slots".
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from producers.source import Connection, fetch, source_errors
from schemas import names
from schemas.errors import ConflictError, SourceError
from schemas.event_id import lsn_value

_SLOTS_SQL = files("producers").joinpath("slots.sql").read_text()
_SUFFIX_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One replication slot as the server shows it; LSNs 0 where it shows none.

    Attributes:
        wal_status: reserved, extended, unreserved or lost.
        safe_wal_bytes: WAL that may still be written before the slot is in danger; None: no limit.
        retained_bytes: WAL that the slot holds back.
        replied_at: When who streams it last gave a sign of life, by its own clock; None where the server does not say.
    """

    name: str
    active_pid: int | None
    confirmed_lsn: int
    wal_status: str
    safe_wal_bytes: int | None
    retained_bytes: int
    replied_at: datetime | None = None

    def has_answered_since(self, before: "Slot") -> bool:
        """Whether who streamed it at an earlier look has given a sign of life since: a capture does every second."""
        is_same = self.active_pid == before.active_pid
        return is_same and self.replied_at is not None and self.replied_at != before.replied_at

    @property
    def in_use(self) -> ConflictError:
        """What is said to a second capture."""
        return ConflictError(
            "another process streams the slot",
            slot=self.name,
            pid=self.active_pid,
            remedy="Stop the other capture of this pipeline (the pid is that of its walsender), "
            "or add workers only: understudy consume.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Which server this is, and on which timeline."""

    identifier: str
    timeline: int


def new_suffix() -> str:
    """A suffix that nobody else has."""
    return secrets.token_hex(_SUFFIX_BYTES)


def name_of(pipeline: str, suffix: str) -> str:
    """The name of the pipeline's slot with that suffix."""
    return f"{names.slot(pipeline)}_{suffix}"


def slots_of(connection: Connection, pipeline: str) -> dict[str, Slot]:
    """All lasting slots that carry the pipeline's name, by suffix."""
    pattern = re.compile(re.escape(names.slot(pipeline)) + r"_([0-9a-f]{8})")
    found = {}
    for row in fetch(connection, _SLOTS_SQL, prefix=names.slot(pipeline)):
        slot = _slot(row)
        match = pattern.fullmatch(slot.name)
        if match:
            found[match[1]] = slot
    return found


def _slot(row: tuple[object, ...]) -> Slot:
    name, active_pid, confirmed, status, safe, retained, replied_at = row
    return Slot(
        name=str(name),
        active_pid=None if active_pid is None else int(str(active_pid)),
        confirmed_lsn=lsn_value(str(confirmed)) if confirmed else 0,
        wal_status=str(status or "lost"),
        safe_wal_bytes=None if safe is None else int(str(safe)),
        retained_bytes=int(str(retained or 0)),
        replied_at=replied_at if isinstance(replied_at, datetime) else None,
    )


def identify(connection: Connection) -> System:
    """Ask a walsender which server it is."""
    with source_errors():
        row = connection.execute("IDENTIFY_SYSTEM").fetchone()
    if row is None:
        raise SourceError("IDENTIFY_SYSTEM returned nothing")
    return System(identifier=str(row[0]), timeline=int(str(row[1])))


def drop(connection: Connection, name: str) -> None:
    """Drop a slot; one that is not there is fine."""
    query = (
        "SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
        " FROM pg_catalog.pg_replication_slots WHERE slot_name = %(name)s"
    )
    with source_errors(slot=name):
        connection.execute(query, {"name": name})
