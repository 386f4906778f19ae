"""A status as people read it: one screen, or one line."""

from collections import Counter
from collections.abc import Iterable, Iterator

from ops.amounts import how_many
from ops.proof.verified import Stored
from ops.watch.movement import ORDER, Movement, Pace
from ops.watch.status import STATES, EntityStatus, Status
from schemas.event_id import lsn_text

HEADINGS = (
    "entity", "state", "moves", "lag", "records left", "rows/s", "ETA", "rows", "parked", "dead letters", "verified",
)  # fmt: skip
REASONS_MAX = 5
NAMES_MAX = 3
SHORT_HEADINGS = (
    "entity", "state", "moves", "lag", "left", "rows/s", "ETA", "rows", "parked", "dead",
)  # fmt: skip
# What a narrow terminal leaves out, the least important first.
SPARE = ("rows", "rows/s", "ETA", "moves")


def answers(status: Status) -> Iterator[str]:
    """Where the pipeline is, how far behind and how fast, and what is in the way of a cutover; a line each."""
    yield f"{status.pipeline}: {_where(status)}"
    yield f"capture: {_capture(status)}"
    yield f"apply: {_apply(status)}"
    wrong = "; ".join(movements(status))
    if wrong:
        yield f"movement: {wrong}"
    if not status.is_over and "target" not in status.unanswered:
        yield f"cutover: {_cutover(status)}"


def _where(status: Status) -> str:
    if "target" in status.unanswered:
        return "the target does not answer"
    if status.is_over:
        return "switched: the target is written by its applications"
    if status.state != "snapshot":
        return f"{status.state}; {_lag(status.lag_ms)}"
    whole = status.applied + status.remaining
    return f"snapshot, {percent(status.applied, whole)} of {whole} records applied"


def _lag(milliseconds: float | None) -> str:
    return "lag not known yet" if milliseconds is None else f"lag {duration(milliseconds)}"


def _cutover(status: Status) -> str:
    blockers = "; ".join(status.blockers)
    return f"blocked by {blockers}" if blockers else "nothing seen here is in the way"


def _capture(status: Status) -> str:
    source = status.source
    if source is None:
        return "the source does not answer"
    if source.slot is None:
        return "not there: it has never run, or its slot was dropped"
    slot = source.slot
    budget = "" if slot.safe_wal_bytes is None else f", {amount(slot.safe_wal_bytes)} more are safe"
    parts = [
        "runs" if source.is_captured else "does not run",
        _lag(status.capture_lag_ms),
        *_speed(status.capture_pace),
        f"slot {slot.wal_status}, {amount(slot.retained_bytes)} of WAL retained{budget}",
    ]
    return "; ".join(parts)


def _apply(status: Status) -> str:
    if status.workers is None:
        return "Kafka does not answer"
    workers = how_many(status.workers, "worker")
    waits = f"{how_many(status.remaining, 'record')} left, ETA {eta(status.apply_pace)}"
    left = waits if status.remaining else "nothing left to apply"
    return "; ".join([workers, *_speed(status.apply_pace), left])


def _speed(pace: Pace | None) -> list[str]:
    return [] if pace is None or pace.per_s is None else [f"{pace.per_s:.0f} records/s"]


def rows(entities: Iterable[EntityStatus]) -> Iterator[tuple[object, ...]]:
    """One row per entity, under `HEADINGS`."""
    for entity in entities:
        pace = entity.pace
        yield (
            entity.name,
            entity.state,
            (_movement(entity) or "").upper(),
            duration(entity.lag_ms),
            entity.remaining_records,
            "" if pace is None or pace.per_s is None else f"{pace.per_s:.0f}",
            eta(pace) if entity.remaining_records else "",
            entity.rows,
            _counted(entity.parked),
            _counted(entity.dead_letters),
            _verified(entity.verified),
        )


def short_rows(entities: Iterable[EntityStatus]) -> Iterator[tuple[object, ...]]:
    """The same in one narrow line each, under `SHORT_HEADINGS`."""
    for entity, row in zip(entities, rows(entities), strict=True):
        waiting, dead = sum(entity.parked.values()), sum(entity.dead_letters.values())
        yield (*row[:8], waiting or "", dead or "")


def reasons(status: Status) -> Iterator[str]:
    """What `short_rows` leaves out: why rows wait and why others are dead letters, the most frequent first."""
    for name, kind in (("parked", "parked"), ("dead_letters", "dead letters")):
        counted: Counter[str] = Counter()
        for entity in status.entities:
            counted.update(getattr(entity, name))
        if counted:
            parts = [f"{reason} {rows}" for reason, rows in counted.most_common(REASONS_MAX)]
            more = len(counted) - REASONS_MAX
            yield f"{kind} by reason: {', '.join(parts)}{f' and {more} others' if more > 0 else ''}"


def worst_first(entities: Iterable[EntityStatus]) -> list[EntityStatus]:
    """Those that need somebody before those that are well."""

    def trouble(entity: EntityStatus) -> tuple[int, int, int, str]:
        movement = ORDER.index(_movement(entity) or Movement.OK)
        lost = sum(entity.dead_letters.values())
        return -movement, STATES.index(entity.state), -lost, entity.name

    return sorted(entities, key=trouble)


def notes(status: Status) -> Iterator[str]:
    """What else there is to say."""
    if any(entity.rows is None and entity.state != "new" for entity in status.entities):
        yield "rows are not counted, for it takes a while: --exact does"
    for entity in status.entities:
        if entity.stopped_reason:
            yield f"{entity.name} is stopped: {entity.stopped_reason}"
        if entity.unowned and status.workers:
            yield f"{entity.name}: nobody consumes {', '.join(entity.unowned)}"
    waiting = [entity for entity in status.entities if entity.waits_for]
    if waiting:
        parents = sorted({parent for entity in waiting for parent in entity.waits_for})
        names = ", ".join(entity.name for entity in waiting)
        yield f"waiting for the snapshots of {', '.join(parents)}: {names}"
    yield from status.problems
    yield from (f"next: {step}" for step in status.next_steps)


def line(status: Status, elapsed_s: float) -> str:
    """One line, in the order of gh-ost's status hints and in our words.

    Args:
        status: Of now.
        elapsed_s: Since somebody began to look.
    """
    if status.unanswered:
        # Without one of them the counts would be of a pipeline that is not there.
        silent = ", ".join(sorted(status.unanswered))
        return f"Not reached: {silent}; Time: {duration(elapsed_s * 1000)}"
    applied, whole = status.applied, status.applied + status.remaining
    position = "?" if status.captured_lsn is None else lsn_text(status.captured_lsn)
    waiting = sum(sum(entity.parked.values()) for entity in status.entities)
    dead = sum(sum(entity.dead_letters.values()) for entity in status.entities)
    parts = [
        f"Applied: {applied}/{whole} {percent(applied, whole)}",
        f"Records left: {status.remaining}",
        f"Time: {duration(elapsed_s * 1000)}",
        f"Captured: {position}",
        f"Lag: {duration(status.lag_ms)}",
        f"State: {status.state}",
        f"ETA: {eta(status.apply_pace)}",
    ]
    wrong = ", ".join(movements(status))
    if wrong:
        parts.append(f"Movement: {wrong}")
    if waiting or dead:
        parts.append(f"Parked: {waiting}; Dead letters: {dead}")
    return "; ".join(parts)


def movements(status: Status) -> Iterator[str]:
    """The parts that do not move as they should, each as `STALL orders`, the worst first; of many the first few."""
    found = {"capture": status.capture_pace and status.capture_pace.movement}
    found |= {entity.name: _movement(entity) for entity in status.entities}
    for movement in reversed(ORDER[1:]):
        names = [name for name, one in found.items() if one is movement]
        if names:
            more = len(names) - NAMES_MAX
            yield f"{movement.upper()} {' '.join(names[:NAMES_MAX])}{f' and {more} more' if more > 0 else ''}"


def _movement(entity: EntityStatus) -> Movement | None:
    """How it moves; None where that it stands still is said by its state: nobody is to be at it, or was yet."""
    movement = None if entity.pace is None else entity.pace.movement
    return None if movement is Movement.STOP and entity.state in ("paused", "new") else movement


def eta(pace: Pace | None) -> str:
    """When all is applied; gh-ost's words for now and for who knows."""
    if pace is None or pace.eta_s is None:
        return "N/A"
    return duration(1000 * pace.eta_s) if pace.eta_s else "due"


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
    return f"{outcome}; {how_many(known.records, 'record')} since" if known.is_stale else outcome


def _counted(by_reason: dict[str, int]) -> str:
    if not by_reason:
        return "0"
    reasons = ", ".join(f"{reason} {rows}" for reason, rows in sorted(by_reason.items()))
    return f"{sum(by_reason.values())} ({reasons})"
