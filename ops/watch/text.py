"""A status as people read it: one screen, or one line in gh-ost's form."""

from collections.abc import Iterator

from ops.proof.verified import Stored
from ops.watch.status import Status
from schemas.event_id import lsn_text

HEADINGS = (
    "entity", "state", "rows", "parked", "dead letters", "lag records", "lag", "watermark", "verified",
)  # fmt: skip


def headline(status: Status) -> str:
    """The pipeline as a whole."""
    source = status.source
    if source is None:
        capture = "source does not answer"
    elif source.slot is None:
        capture = "no slot"
    else:
        verb = "runs" if source.is_captured else "does not run"
        retained = amount(source.slot.retained_bytes)
        capture = f"capture {verb}, slot {source.slot.wal_status}, {retained} of WAL retained"
    number = status.workers
    known = "1 worker" if number == 1 else f"{number} workers"
    workers = "Kafka does not answer" if number is None else known
    return f"{status.pipeline}: {capture}; {workers}; lag {duration(status.lag_ms)}"


def rows(status: Status) -> Iterator[tuple[object, ...]]:
    """One row per entity, under `HEADINGS`."""
    for entity in status.entities:
        yield (
            entity.name,
            entity.state,
            entity.rows,
            _counted(entity.parked),
            _counted(entity.dead_letters),
            entity.lag_records,
            duration(entity.lag_ms),
            entity.watermark,
            _verified(entity.verified),
        )


def notes(status: Status) -> Iterator[str]:
    """What else there is to say."""
    if any(entity.rows is None and entity.state != "new" for entity in status.entities):
        yield "rows are not counted, for it takes a while: --exact does"
    for entity in status.entities:
        if entity.stopped_reason:
            yield f"{entity.name} is stopped: {entity.stopped_reason}"
        if entity.unowned and status.workers:
            yield f"{entity.name}: nobody consumes {', '.join(entity.unowned)}"
    yield from status.problems
    yield from (f"next: {step}" for step in status.next_steps)


def line(status: Status, elapsed_s: float, already: int) -> str:
    """One line, in the order of gh-ost's status hints.

    Args:
        status: Of now.
        elapsed_s: Since the run began.
        already: Records that were applied before it.
    """
    applied, backlog = total_applied(status), total_lag(status)
    copy = f"Copy: {applied}/{applied + backlog} {percent(applied, applied + backlog)}"
    position = "?" if status.captured_lsn is None else lsn_text(status.captured_lsn)
    waiting = sum(sum(entity.parked.values()) for entity in status.entities)
    dead = sum(sum(entity.dead_letters.values()) for entity in status.entities)
    parts = [
        copy,
        f"Applied: {applied}",
        f"Backlog: {backlog}",
        f"Time: {duration(elapsed_s * 1000)}",
        f"Streamer: {position}",
        f"Lag: {duration(status.lag_ms)}",
        f"State: {state(status)}",
        f"ETA: {eta(backlog, applied - already, elapsed_s)}",
    ]
    if waiting or dead:
        parts.append(f"Parked: {waiting}; Dead letters: {dead}")
    return "; ".join(parts)


def state(status: Status) -> str:
    """One word for the pipeline: the state of the entity that is least far."""
    order = ("stopped", "paused", "new", "snapshot", "tail", "switched")
    states = {entity.state for entity in status.entities}
    return next((word for word in order if word in states), "starting")


def total_applied(status: Status) -> int:
    """Records behind the checkpoints of all entities."""
    return sum(entity.applied for entity in status.entities)


def total_lag(status: Status) -> int:
    """Records that are in Kafka and not yet applied."""
    return sum(entity.lag_records or 0 for entity in status.entities)


def eta(backlog: int, applied: int, elapsed_s: float) -> str:
    """When the backlog of now is applied, at the mean pace of this run."""
    if not backlog:
        return "due"
    return duration(1000 * elapsed_s * backlog / applied) if applied > 0 else "N/A"


def percent(part: int, whole: int) -> str:
    """Such as 99.5%; never 100.0% before all is done."""
    tenths = 1000 * part // whole if whole else 0
    return f"{tenths / 10:.1f}%"


def duration(milliseconds: float | None) -> str:
    """Such as 0.35s, 12s, 5m03s, 2h07m."""
    if milliseconds is None:
        return "?"
    seconds = milliseconds / 1000
    if seconds < 10:  # noqa: PLR2004 - below it tenths matter
        return f"{seconds:.2f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes_left:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def amount(size: int) -> str:
    """A number of bytes such as 16 MB."""
    value = size
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 10 * 1024:
            return f"{value} {unit}"
        value //= 1024
    return f"{value} TB"


def _verified(known: Stored | None) -> str:
    """How the newest verification ended, and whether the target has moved on since."""
    if known is None:
        return ""
    outcome = "clean" if known.is_clean else f"{known.differing} differ"
    if known.by_other_rules:
        return f"{outcome}; the rules have changed since"
    return f"{outcome}; {known.records} records since" if known.is_stale else outcome


def _counted(by_reason: dict[str, int]) -> str:
    if not by_reason:
        return "0"
    reasons = ", ".join(f"{reason} {rows}" for reason, rows in sorted(by_reason.items()))
    return f"{sum(by_reason.values())} ({reasons})"
