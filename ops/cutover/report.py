"""The report of a cutover: what the journal says of it, as a value, as JSON and as a page to keep."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.cutover import journal
from ops.cutover.journal import Cutover, Step
from ops.cutover.opening import OPENED, TAKES
from ops.cutover.states import State
from ops.databases import Connection
from schemas.migration import Migration

_SWITCHED = "switched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The newest cutover of a pipeline; None before the first."""

    pipeline: str
    folder: Path
    cutover: Cutover | None
    steps: tuple[Step, ...]

    @property
    def state(self) -> str:
        """As stored; `none` before the first."""
        return self.cutover.state.value if self.cutover else "none"

    @property
    def pause_s(self) -> float | None:
        """The write pause, in seconds: from the closing of the fence to the switch; None before it."""
        closed: Step | None = None
        for step in self.steps:
            if step.step == OPENED:
                closed = None
            elif step.step == TAKES:
                closed = closed or step
            elif step.step == _SWITCHED and closed:
                return (step.at - closed.at).total_seconds()
        return None

    @property
    def next_steps(self) -> list[str]:
        """Commands that the state suggests, the most urgent first."""
        folder = self.folder
        plan, begin, abort, finish = (
            f"understudy cutover {word} {folder}" for word in ("plan", "begin", "abort", "finish")
        )
        reverse, back = f"understudy reverse {folder}", f"understudy rollback {folder}"
        steps = {
            State.PLANNED: [begin, abort],
            State.PREPARED: [begin, abort],
            State.FENCED: [f"{begin} (the legacy side is closed to writes)", abort],
            State.DRAINED: [f"{begin} (the legacy side is closed to writes)", abort],
            State.SWITCHED: [reverse, finish, back],
            State.FINISHED: [reverse, back, f"understudy drop {folder}"],
            State.RETURNING: [f"{back} (the target is closed to writes)"],
            State.RETURNED: [f"understudy verify {folder}", begin],
        }
        # The plan says when it can begin, and by which command.
        return steps.get(self.cutover.state, [plan]) if self.cutover else [plan]

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        cutover = self.cutover
        return {
            "pipeline": self.pipeline,
            "state": self.state,
            "who": cutover and cutover.who,
            "began_at": cutover and cutover.began_at.isoformat(),
            "ended_at": cutover and cutover.ended_at and cutover.ended_at.isoformat(),
            "pause_s": self.pause_s,
            "accepted": cutover.accepted if cutover else {},
            "because": cutover and cutover.because,
            "steps": [
                {
                    "step": step.step,
                    "at": step.at.isoformat(),
                    "seconds": step.seconds,
                    "who": step.who,
                    "evidence": step.evidence,
                }
                for step in self.steps
            ],
            "next_steps": self.next_steps,
        }


def read(target: Connection, migration: Migration) -> Report:
    """Read the newest cutover.

    Raises:
        NotReadyError: No worker has ever run.
    """
    cutover = journal.newest(target)
    steps = journal.steps(target, cutover.id) if cutover else []
    return Report(
        pipeline=migration.pipeline.pipeline,
        folder=migration.folder,
        cutover=cutover,
        steps=tuple(steps),
    )
