"""What is wrong with a pipeline, the most urgent first, each with the command that comes next. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ops.serve.beside import Beside
from ops.watch.movement import Movement
from ops.watch.status import EntityStatus, Status
from ops.watch.text import amount, duration
from producers.budget import LOW_SHARE
from producers.slot import Slot

# What `cutover begin` takes for caught up.
MAX_LAG_MS = 10_000
_REASONS = {
    "base": "the first whole version of the row",
    "watermark": "its parent's turn",
    "children": "rows that refer to it",
    "unique": "the row that holds its unique value",
}


class Tone(StrEnum):
    """How urgent it is: it stands still or loses something, it needs somebody, it is still to be done."""

    BAD = "bad"
    WARN = "warn"
    TODO = "todo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that keeps the pipeline from moving, or from being switched.

    Attributes:
        about: One word or two, by which the eye finds it.
        says: How it is, in a line, without any value of a row.
        command: What to do next.
        entity: Which it is about; None: the pipeline.
    """

    tone: Tone
    about: str
    says: str
    command: str
    entity: str | None = None


def problems(status: Status, beside: Beside) -> list[Problem]:
    """All that can be seen, the most urgent first."""
    found = [
        *_servers(status),
        *_slot(status),
        *(one for entity in status.entities for one in _standing(entity, status.folder)),
        *_movement(status),
        *(one for entity in status.entities for one in _dead_letters(entity, status.folder)),
        *_parked(status, beside),
        *_lag(status),
        *_unverified(status),
    ]
    return sorted(found, key=lambda problem: list(Tone).index(problem.tone))


def _servers(status: Status) -> Iterator[Problem]:
    check = f"understudy check {status.folder}"
    for text in status.problems:
        yield Problem(tone=Tone.BAD, about="server", says=text, command=check)
    if status.problems or status.is_over:
        return
    run = f"understudy run {status.folder}"
    source = status.source
    if source is not None and source.slot is None:
        yield Problem(tone=Tone.TODO, about="capture", says="It has never run.", command=run)
    elif source is not None and not source.is_captured:
        says = "Nobody captures the source: its WAL grows."
        yield Problem(tone=Tone.BAD, about="capture", says=says, command=run)
    if not status.workers and any(entity.state != "new" for entity in status.entities):
        says = "No worker runs: nothing is applied."
        yield Problem(tone=Tone.BAD, about="workers", says=says, command=run)


def _slot(status: Status) -> Iterator[Problem]:
    slot = status.source.slot if status.source else None
    if slot is None:
        return
    command = f"understudy check {status.folder}"
    if slot.wal_status in {"lost", "unreserved"}:
        says = f"The slot is {slot.wal_status}: the server no longer keeps what is not captured."
        yield Problem(tone=Tone.BAD, about="WAL", says=says, command=command)
    elif (granted := budget(slot)) and slot.retained_bytes > (1 - LOW_SHARE) * granted:
        says = f"{amount(slot.retained_bytes)} of {amount(granted)} are held back: the slot is in danger."
        yield Problem(tone=Tone.WARN, about="WAL", says=says, command=command)


def budget(slot: Slot) -> int | None:
    """WAL that the server keeps for the slot, in bytes; None: without limit."""
    return None if slot.safe_wal_bytes is None else slot.retained_bytes + slot.safe_wal_bytes


def _standing(entity: EntityStatus, folder: Path) -> Iterator[Problem]:
    resume = f"understudy resume {folder} --entity {entity.name}"
    if entity.state == "stopped":
        says = entity.stopped_reason or "The reason was not kept."
        yield Problem(tone=Tone.BAD, about="stopped", says=says, command=resume, entity=entity.name)
    elif entity.state == "paused":
        says = "Paused by an operator."
        yield Problem(tone=Tone.WARN, about="paused", says=says, command=resume, entity=entity.name)
    elif entity.unowned and entity.state != "switched":
        says = f"Nobody consumes {', '.join(entity.unowned)}."
        command = f"understudy consume {folder} --entity {entity.name}"
        yield Problem(
            tone=Tone.WARN, about="not consumed", says=says, command=command, entity=entity.name
        )


def _movement(status: Status) -> Iterator[Problem]:
    """What somebody is at, and still does not move, or falls behind."""
    watch = f"understudy status {status.folder} --watch"
    says = {
        Movement.STALL: (Tone.BAD, "Something waits, somebody is at it, and it does not move."),
        Movement.WARN: (Tone.WARN, "It moves, and what waits only grows."),
    }
    paces = [(None, status.capture_pace), *((one.name, one.pace) for one in status.entities)]
    for name, pace in paces:
        if pace is not None and pace.movement in says:
            tone, words = says[pace.movement]
            about = "capture" if name is None else pace.movement.value
            yield Problem(tone=tone, about=about, says=words, command=watch, entity=name)


def _dead_letters(entity: EntityStatus, folder: Path) -> Iterator[Problem]:
    if not entity.dead_letters:
        return
    reasons = sorted(entity.dead_letters.items(), key=lambda each: -each[1])
    says = "; ".join(f"{rows:,} refused by {reason or 'a rule'}" for reason, rows in reasons)
    yield Problem(
        tone=Tone.WARN,
        about="dead letters",
        says=f"{says}.",
        command=f"understudy dead-letters list {folder} --entity {entity.name}",
        entity=entity.name,
    )


def _parked(status: Status, beside: Beside) -> Iterator[Problem]:
    counts: dict[str, list[str]] = {}
    for one in beside.waiting:
        whom = one.waits_for or _REASONS.get(one.reason, one.reason)
        counts.setdefault(one.entity, []).append(
            f"{one.rows:,} {'waits' if one.rows == 1 else 'wait'} for {whom}"
        )
    for name, texts in counts.items():
        yield Problem(
            tone=Tone.WARN,
            about="parked",
            says=f"{'; '.join(texts)}.",
            command=f"understudy parked list {status.folder} --entity {name}",
            entity=name,
        )


def _lag(status: Status) -> Iterator[Problem]:
    late = [entity for entity in status.entities if (entity.lag_ms or 0) > MAX_LAG_MS]
    late = [entity for entity in late if entity.state == "tail"]
    if late:
        worst = max(late, key=lambda entity: entity.lag_ms or 0)
        says = f"{len(late)} of {len(status.entities)} are late, the latest is {worst.name}: {duration(worst.lag_ms)}."
        watch = f"understudy status {status.folder} --watch"
        yield Problem(tone=Tone.WARN, about="lag", says=says, command=watch)


def _unverified(status: Status) -> Iterator[Problem]:
    """What a cutover would ask for, once all are in the tail."""
    if not status.entities or any(entity.state != "tail" for entity in status.entities):
        return
    verify = f"understudy verify {status.folder}"
    differ = [e for e in status.entities if e.verified and not e.verified.is_clean]
    if differ:
        says = f"The last verification of {_some(differ)} was not clean."
        yield Problem(tone=Tone.WARN, about="verified", says=says, command=verify)
    never = [e for e in status.entities if e.verified is None or e.verified.by_other_rules]
    if never:
        says = f"By the present rules nobody has verified {_some(never)}."
        yield Problem(tone=Tone.TODO, about="verified", says=says, command=verify)


def _some(entities: list[EntityStatus]) -> str:
    return entities[0].name if len(entities) == 1 else f"{len(entities)} entities"
