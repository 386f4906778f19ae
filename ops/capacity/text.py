"""The estimate as people read it."""

from ops.capacity.estimate import Estimate

HEADINGS = ("entity", "legacy table", "rows", "Kafka", "target", "mapping")
SPARE = ("legacy table",)  # What a narrow terminal leaves out.
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000


def size(count: float) -> str:
    """Bytes with a unit, in steps of a thousand."""
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.3g} {unit}"
        count /= _STEP
    return f"{count:,.0f} {_UNITS[-1]}"


def hours(count: float) -> str:
    """Hours, or minutes where it is less than two."""
    if count * 60 < 1:
        return "less than a minute"
    return f"{count:.1f} hours" if count >= 2 else f"{count * 60:.1f} minutes"  # noqa: PLR2004 - as the docstring says


def rows(found: Estimate) -> list[list[object]]:
    """One row an entity, the largest first."""
    largest = sorted(found.entities, key=lambda one: -one.target_bytes - one.mapping_bytes)
    return [
        [
            one.entity,
            one.source,
            f"{one.rows:,}",
            size(one.kafka_bytes) if one.kafka_bytes or not one.rows else "with another",
            size(one.target_bytes) if one.target_bytes or not one.rows else "with another",
            size(one.mapping_bytes),
        ]
        for one in largest
    ]


def lines(found: Estimate) -> list[str]:
    """What it comes to."""
    copies = f", times {found.replicas} copies" if found.replicas > 1 else ""
    away = (
        "until its disk is full: set max_slot_wal_keep_size"
        if found.away_hours is None
        else f"for {hours(found.away_hours)} at this rate, then its slot is lost"
    )
    # A small one takes less than a minute, at least and at most.
    snapshot = dict.fromkeys(map(hours, (found.snapshot_hours_min, found.snapshot_hours_max)))
    return [
        f"Kafka after the snapshot: {size(found.kafka_bytes)}{copies}; every later change is kept too",
        f"disk of the target after the snapshot: {size(found.disk_bytes)}; its WAL and updates need as much again",
        f"snapshot: {' to '.join(snapshot)}, on two cores for all",
        f"the source writes {size(found.wal_bytes_per_hour)} of WAL an hour; the capture may be away {away}",
    ]
