"""What the source says of the capture: its slot, and how much WAL it holds back."""

from dataclasses import dataclass

from ops.databases import Connection
from producers import slot as slots
from producers.slot import Slot
from schemas.event_id import lsn_text, lsn_value
from schemas.table import CATALOG_SQL, tables_of

# Source: PostgreSQL manual, "Backup Control Functions".
_MOMENT_SQL = """
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_catalog.pg_current_wal_lsn()::text
"""
# A role that is not the capture's own sees no LSN.
_SENT_SQL = """
    SELECT sent_lsn::text FROM pg_catalog.pg_stat_replication WHERE pid = %s AND sent_lsn IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """The source at one moment.

    Attributes:
        now_ms: Its clock, milliseconds since 1970.
        wal_lsn: Where its WAL ends.
        slot: None before the first run.
        sent_lsn: WAL up to here has been sent to the capture; None where there is none.
    """

    now_ms: int
    wal_lsn: int
    slot: Slot | None
    sent_lsn: int | None = None

    @property
    def is_captured(self) -> bool:
        """Whether somebody streams the slot."""
        return self.slot is not None and self.slot.active_pid is not None

    def as_json(self) -> dict[str, object]:
        """A JSON object, LSNs as PostgreSQL prints them."""
        slot = self.slot
        known: dict[str, object] = {
            "wal_lsn": lsn_text(self.wal_lsn),
            "is_active": self.is_captured,
        }
        if slot is None:
            return known | {"slot": None}
        return known | {
            "slot": slot.name,
            "wal_status": slot.wal_status,
            "confirmed_lsn": lsn_text(slot.confirmed_lsn),
            "lag_bytes": self.wal_lsn - slot.confirmed_lsn,
            "retained_wal_bytes": slot.retained_bytes,
            "safe_wal_bytes": slot.safe_wal_bytes,
        }


def read(connection: Connection, pipeline: str) -> SourceStatus:
    """Ask the source."""
    ((now_ms, wal_lsn),) = connection.execute(_MOMENT_SQL).fetchall()
    slot = next(iter(slots.slots_of(connection, pipeline).values()), None)
    sent = connection.execute(_SENT_SQL, [slot and slot.active_pid]).fetchone()
    return SourceStatus(
        now_ms=int(str(now_ms)),
        wal_lsn=lsn_value(str(wal_lsn)),
        slot=slot,
        sent_lsn=lsn_value(str(sent[0])) if sent else None,
    )


def estimates(connection: Connection, places: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """About how many rows each of these tables has."""
    wanted = {"schemas": [schema for schema, _ in places], "tables": [name for _, name in places]}
    tables = tables_of(connection.execute(CATALOG_SQL, wanted).fetchall())
    return {place: table.rows_estimate for place, table in tables.items()}
