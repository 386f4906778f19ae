"""One look as the page shows it: where the pipeline is, what keeps it, how far behind it is, what has moved. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ops.cutover.states import State, is_open
from ops.serve.beside import Beside
from ops.serve.problems import MAX_LAG_MS, Problem, Tone, budget, problems
from ops.watch import text
from ops.watch.status import EntityStatus, Status

_UNREADY = ("new", "snapshot")
_OVER = (State.SWITCHED, State.FINISHED)
# After the others it goes on as if there had been none.
_SAYS = {
    State.PLANNED: "A cutover has begun; its gates are looked at.",
    State.PREPARED: "A cutover has begun; the gates are met, and applications still write to the legacy side.",
    State.FENCED: "The write pause runs: nobody can write to the legacy side; the rest is being drained.",
    State.DRAINED: "The write pause runs: all is in the target, and proved; the switch is next.",
    State.SWITCHED: "Switched: the target is written by its applications; rollback leads back.",
    State.FINISHED: "Switched and finished: the target is written by its applications.",
    State.RETURNING: "The write pause of a rollback runs: nobody can write to the target.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rows of an entity's two tables, about, from the catalogs; None where they are not known."""

    source: int | None = None
    target: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One look.

    Attributes:
        at_ms: When it ended, by the clock of this machine, milliseconds since 1970.
        sizes: By entity.
        rows: Rows in the target as they were counted last, by entity.
    """

    at_ms: int
    status: Status
    beside: Beside
    sizes: Mapping[str, Sizes]
    rows: Mapping[str, int]

    @property
    def is_busy(self) -> bool:
        """Whether the pipeline needs all that the machines have: it is in the snapshot, or far behind."""
        return self.status.state == "snapshot" or (self.status.lag_ms or 0) > MAX_LAG_MS

    def as_json(self) -> dict[str, Any]:
        """All that the first page needs; no value of any row."""
        status, found = self.status, problems(self.status, self.beside)
        tone, says, command = verdict(status, self.beside, found)
        return {
            "at_ms": self.at_ms,
            "pipeline": status.pipeline,
            "folder": str(status.folder),
            "verdict": {"tone": tone, "says": says, "command": command},
            "stages": stages(status, self.beside),
            "problems": [asdict(problem) for problem in found],
            "figures": self._figures(),
            "entities": [self._entity(entity) for entity in text.worst_first(status.entities)],
        }

    def _figures(self) -> dict[str, Any]:
        status, source = self.status, self.status.source
        slot, pace = (source.slot if source else None), status.apply_pace
        return {
            "lag_ms": status.lag_ms,
            "applied": status.applied,
            "remaining": status.remaining,
            "per_s": pace and pace.per_s,
            "eta_s": pace and pace.eta_s,
            "capture_lag_ms": status.capture_lag_ms,
            "workers": status.workers,
            "is_captured": bool(source and source.is_captured),
            "retained_bytes": slot.retained_bytes if slot else None,
            "budget_bytes": budget(slot) if slot else None,
            "wal_status": slot.wal_status if slot else None,
            "parked": sum(sum(entity.parked.values()) for entity in status.entities),
            "dead_letters": sum(sum(entity.dead_letters.values()) for entity in status.entities),
        }

    def _entity(self, entity: EntityStatus) -> dict[str, Any]:
        sizes = self.sizes.get(entity.name, Sizes())
        counted = self.rows.get(entity.name)
        verified = self.beside.verified.get(entity.name)
        return entity.as_json() | {
            "source_rows": sizes.source,
            "target_rows": sizes.target if counted is None else counted,
            "is_counted": counted is not None,
            "unaccounted": verified.unaccounted if verified else None,
        }


def verdict(status: Status, beside: Beside, found: list[Problem]) -> tuple[str, str, str]:
    """Tone, one sentence, and the next command: what somebody reads who has one second.

    Never says that a cutover may begin: that takes gates which only `cutover plan` asks.
    """
    plan = f"understudy cutover plan {status.folder}"
    bad = [problem for problem in found if problem.tone is Tone.BAD]
    if bad:
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        return "bad", f"Something stands still: {_what(bad[0])}{more}.", bad[0].command
    cutover = beside.cutover.cutover if beside.cutover else None
    if beside.cutover and cutover and cutover.state in _SAYS:
        tone = "good" if cutover.state in _OVER else "wait"
        return tone, _SAYS[cutover.state], beside.cutover.next_steps[0]
    if status.is_over:
        return "good", _SAYS[State.SWITCHED], f"understudy cutover status {status.folder}"
    if status.state != "tail":
        todo = next((problem.command for problem in found), f"understudy status {status.folder}")
        return "wait", _on_the_way(status), todo
    if found:
        count = f"{len(found)} {'thing' if len(found) == 1 else 'things'}"
        return "wait", f"In step with the source; {count} to settle before a cutover.", plan
    return "good", "In step with the source; nothing seen here is in the way of a cutover.", plan


def _what(problem: Problem) -> str:
    return f"{problem.entity} ({problem.about})" if problem.entity else problem.about


def _on_the_way(status: Status) -> str:
    if all(entity.state == "new" for entity in status.entities):
        return "Nothing has moved yet."
    done = sum(entity.state not in _UNREADY for entity in status.entities)
    share = text.percent(status.applied, status.applied + status.remaining)
    count = len(status.entities)
    return f"The snapshot is being applied: {share}, {done} of {count} entities are through."


def stages(status: Status, beside: Beside) -> list[dict[str, str]]:
    """The way of a migration: each stage is done, now, or still to come, with a few words."""
    count = len(status.entities)
    through = sum(entity.state not in _UNREADY for entity in status.entities)
    is_through = bool(count) and through == count
    in_step = is_through and (status.lag_ms or 0) <= MAX_LAG_MS
    clean = sum(bool(e.verified and e.verified.is_clean) for e in status.entities)
    cutover = beside.cutover.cutover if beside.cutover else None
    over = cutover is not None and cutover.state in _OVER
    is_on = cutover is not None and is_open(cutover.state) and not over
    known = (
        ("Snapshot", is_through, f"{through} of {count} entities"),
        ("In step", in_step, f"{text.duration(status.lag_ms)} behind" if is_through else ""),
        ("Verified", bool(count) and clean == count, f"{clean} of {count} clean" if is_through else ""),
        ("Cutover", over, cutover.state.value if cutover else "not begun"),
        ("Switched", over, ""),
    )  # fmt: skip
    told = []
    is_next = True  # No stage is done before those in front of it, unless the switch has decided.
    for name, done, says in known:
        is_done = over or (is_next and done)
        is_now = not is_done and (name == "Cutover" if is_on else is_next)
        state = "done" if is_done else "now" if is_now else "todo"
        told.append({"name": name, "state": state, "says": says})
        is_next = is_done
    return told
