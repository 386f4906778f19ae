"""What a running capture can say of itself, as frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProgress:
    """The snapshot of one table: rows sent, rows that the catalog expects, whether it is complete."""

    table: str
    rows: int
    rows_estimate: int
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureProgress:
    """One capture at one moment.

    Attributes:
        phase: starting, snapshot, tail or stopped.
        tables: In the order of the settings.
        changes: Row changes that the tail has taken since the start.
        acknowledged_lsn: Everything up to here is stored in Kafka; 0 before the tail begins.
        retained_wal_bytes: WAL that the slot holds back.
        wal_status: Of the slot, as the server says it.
        throttled: Whether the snapshot makes way, because WAL runs out.
        restarts: How often the capture has begun again after it lost the source or Kafka.
        last_error: Why it began again, in one line.
    """

    phase: str = "starting"
    tables: tuple[TableProgress, ...] = ()
    changes: int = 0
    acknowledged_lsn: int = 0
    retained_wal_bytes: int = 0
    wal_status: str = ""
    throttled: bool = False
    restarts: int = 0
    last_error: str = ""
