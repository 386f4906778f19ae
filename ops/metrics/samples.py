"""A status as samples of metrics; pure."""

from collections.abc import Iterator

from ops.metrics import definitions as m
from ops.metrics.definitions import Sample
from ops.watch.movement import ORDER, Pace
from ops.watch.source import SourceStatus
from ops.watch.status import STATES, EntityStatus, Status

SERVERS = ("source", "kafka", "target")
WAL_STATUSES = ("reserved", "extended", "unreserved", "lost")
MS = 1000.0


def of_status(status: Status, version: str) -> Iterator[Sample]:
    """All samples of one look; what is not known is left out."""
    yield Sample(m.BUILD, (version,), 1)
    for server in SERVERS:
        yield Sample(m.UP, (server,), server not in status.unanswered)
    if status.source is not None and not status.is_over:
        yield from _of_source(status.source)
    if status.workers is not None:
        yield Sample(m.WORKERS, (), status.workers)
    if status.capture_lag_ms is not None and not status.is_over:
        yield Sample(m.LAG, ("capture", ""), status.capture_lag_ms / MS)
    if status.apply_pace is not None and status.apply_pace.eta_s is not None:
        yield Sample(m.ETA, (), status.apply_pace.eta_s)
    yield from _of_pace("capture", "", status.capture_pace)
    for entity in status.entities:
        yield from _of_entity(entity)
        yield from _of_pace("apply", entity.name, entity.pace)


def _of_source(source: SourceStatus) -> Iterator[Sample]:
    slot = source.slot
    if slot is None:
        return
    yield Sample(m.SLOT_ACTIVE, (), source.is_captured)
    for wal_status in WAL_STATUSES:
        yield Sample(m.SLOT_STATUS, (wal_status,), slot.wal_status == wal_status)
    yield Sample(m.RETAINED, (), slot.retained_bytes)
    if slot.safe_wal_bytes is not None:
        yield Sample(m.SAFE, (), slot.safe_wal_bytes)
    if source.sent_lsn is not None:
        yield Sample(m.RECEIVED_LAG, (), max(0, source.wal_lsn - source.sent_lsn))
    yield Sample(m.FLUSHED_LAG, (), max(0, source.wal_lsn - slot.confirmed_lsn))


def _of_entity(entity: EntityStatus) -> Iterator[Sample]:
    name = entity.name
    for stage, lag_ms in (("apply", entity.apply_lag_ms), ("total", entity.lag_ms)):
        if lag_ms is not None:
            yield Sample(m.LAG, (stage, name), lag_ms / MS)
    for (topic, partition), records in entity.lag_by_partition.items():
        yield Sample(m.LAG_RECORDS, (name, topic, str(partition)), records)
    if entity.remaining_records is not None:
        yield Sample(m.REMAINING, (name,), entity.remaining_records)
    if entity.lag_records is not None:
        yield Sample(m.STORED, (name,), entity.applied + entity.lag_records)
    if entity.state != "new":
        yield Sample(m.APPLIED, (name,), entity.applied)
    yield Sample(m.COPIED, (name,), entity.captured)
    for metric, by_reason in ((m.DEAD, entity.dead_letters), (m.PARKED, entity.parked)):
        for reason, rows in by_reason.items():
            yield Sample(metric, (name, reason), rows)
    for state in STATES:
        yield Sample(m.STATE, (name, state), entity.state == state)


def _of_pace(component: str, entity: str, pace: Pace | None) -> Iterator[Sample]:
    if pace is None:
        return
    for movement in ORDER:
        yield Sample(m.HEALTH, (component, entity, movement), pace.movement is movement)
