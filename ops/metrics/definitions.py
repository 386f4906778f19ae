"""Every metric there is: its name, what it counts, and its labels. Base units; labels never hold a key or a value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

PREFIX = "understudy_"
Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: Without the prefix, with the unit, and `_total` where it is a counter.
        help: One line.
        labels: Besides `pipeline`, which all have.
    """

    name: str
    help: str
    kind: Kind = "gauge"
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """As Prometheus knows it."""
        return PREFIX + self.name

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which it can be asked for."""
        if self.kind != "histogram":
            return (self.full_name,)
        return tuple(f"{self.full_name}_{part}" for part in ("bucket", "count", "sum"))


class Sample(NamedTuple):
    """One value of a metric, with the values of its labels in their order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


def _metric(name: str, help_: str, *labels: str, kind: Kind = "gauge") -> Metric:
    return Metric(name=name, help=help_, kind=kind, labels=labels)


BUILD = _metric("build_info", "Always 1; the version is a label.", "version")
UP = _metric("up", "Whether source, kafka and target answer.", "server")
WORKERS = _metric("workers", "Members of the consumer group.")
SLOT_ACTIVE = _metric("source_slot_active", "Whether a capture streams the slot.")
SLOT_STATUS = _metric(
    "source_slot_wal_status", "1 for what PostgreSQL says of the slot's WAL.", "wal_status"
)
RETAINED = _metric("source_slot_retained_wal_bytes", "WAL that the slot holds back.")
SAFE = _metric(
    "source_slot_safe_wal_bytes",
    "WAL that may still be written before the slot is in danger; absent: there is no limit.",
)
RECEIVED_LAG = _metric(
    "source_received_lag_bytes", "WAL that was written and not yet sent to the capture."
)
FLUSHED_LAG = _metric(
    "source_flushed_lag_bytes", "WAL that was written and is not yet acknowledged as in Kafka."
)
LAG = _metric(
    "replication_lag_seconds",
    "How far behind, from markers: capture (source to Kafka), apply (Kafka to target) and total of an entity.",
    "stage",
    "entity",
)
LAG_RECORDS = _metric(
    "consumer_lag_records",
    "Records of Kafka that are not applied.",
    "entity",
    "topic",
    "partition",
)
REMAINING = _metric(
    "remaining_records",
    "Records still to be applied, in the snapshot with the rows that are not in Kafka yet.",
    "entity",
)
ETA = _metric(
    "eta_seconds", "Until all is applied at the pace of the last minute; absent: not known."
)
STORED = _metric(
    "kafka_records_total", "Records in the topic of an entity.", "entity", kind="counter"
)
APPLIED = _metric(
    "applied_records_total", "Records behind the checkpoints.", "entity", kind="counter"
)
COPIED = _metric("snapshot_rows_copied", "Rows of the snapshot that are in Kafka.", "entity")
DEAD = _metric("dead_letters", "Rows set aside with an error, open.", "entity", "reason")
PARKED = _metric("parked", "Rows that wait for something.", "entity", "reason")
STATE = _metric("entity_state", "1 for the state of an entity.", "entity", "state")
HEALTH = _metric(
    "health",
    "1 for how a part moves: ok, warn (falls behind), stall (does not move), stop (nobody is at it).",
    "component",
    "entity",
    "status",
)
# Told by the exporter, from what `status` reads.
OF_STATUS = (
    BUILD, UP, WORKERS, SLOT_ACTIVE, SLOT_STATUS, RETAINED, SAFE, RECEIVED_LAG, FLUSHED_LAG, LAG, LAG_RECORDS,
    REMAINING, ETA, STORED, APPLIED, COPIED, DEAD, PARKED, STATE, HEALTH,
)  # fmt: skip

CHANGES = _metric(
    "capture_changes_total", "Row changes that the tail has taken since the start.", kind="counter"
)
CAPTURE_RESTARTS = _metric(
    "capture_restarts_total",
    "How often the capture has begun again after it lost source or Kafka.",
    kind="counter",
)
THROTTLED = _metric("capture_throttled", "Whether the snapshot makes way, because WAL runs out.")
# Told by the capture, where [metrics] gives it a port.
OF_CAPTURE = (CHANGES, CAPTURE_RESTARTS, THROTTLED)

DURATION = _metric(
    "apply_duration_seconds", "From the first lock of a batch to its commit.", kind="histogram"
)
WORKER_APPLIED = _metric(
    "worker_applied_records_total",
    "Records that this worker has applied since its start.",
    "entity",
    kind="counter",
)
BUFFERED = _metric("worker_buffered_records", "Records read and not applied.", "entity")
# Told by each worker, where [metrics] gives it a port.
OF_WORKER = (DURATION, WORKER_APPLIED, BUFFERED)

METRICS = (*OF_STATUS, *OF_CAPTURE, *OF_WORKER)


def series() -> Iterator[str]:
    """All names that can be asked for."""
    for metric in METRICS:
        yield from metric.series
