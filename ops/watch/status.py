"""The state of a pipeline at one moment, as a value."""

from dataclasses import dataclass
from pathlib import Path

from ops.proof.verified import Stored
from ops.watch.source import SourceStatus
from schemas.event_id import lsn_text


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityStatus:
    """One entity.

    Attributes:
        state: `new` (no worker has seen it), `snapshot`, `tail`, `switched`, `paused` or `stopped`.
        rows: Live rows in the mapping; None where they were not counted.
        captured: Rows of its table's snapshot that are in Kafka.
        is_captured: Whether that is all of them.
        applied: Records of Kafka that are behind the checkpoints.
        lag_records: Records of Kafka that are not yet applied; None where Kafka cannot be asked.
        lag_ms: Age of the newest moment of the source that is wholly applied; None before the first.
        verified: Its newest verification; None where there is none.
    """

    name: str
    target: str
    state: str
    stopped_reason: str | None
    rows: int | None
    parked: dict[str, int]
    dead_letters: dict[str, int]
    captured: int
    is_captured: bool
    applied: int
    lag_records: int | None
    watermark: str | None
    lag_ms: int | None
    unowned: tuple[str, ...]
    verified: Stored | None = None

    def as_json(self) -> dict[str, object]:
        """The entity as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "parked": sum(self.parked.values()),
            "parked_by_reason": self.parked,
            "dead_letters": sum(self.dead_letters.values()),
            "dead_letters_by_reason": self.dead_letters,
            "verified": self.verified and self.verified.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A pipeline.

    Attributes:
        source: None where the source cannot be asked.
        captured_lsn: All of the source up to here is in Kafka.
        workers: Members of the consumer group; None where Kafka cannot be asked.
        problems: One line per server that cannot be asked.
        exit_code: Of the first problem.
    """

    pipeline: str
    folder: Path
    source: SourceStatus | None
    captured_lsn: int | None
    workers: int | None
    entities: tuple[EntityStatus, ...]
    problems: tuple[str, ...]
    exit_code: int = 0

    @property
    def lag_ms(self) -> int | None:
        """Of the entity that is furthest behind; None where one has not begun."""
        lags = [entity.lag_ms for entity in self.entities]
        known = [lag for lag in lags if lag is not None]
        return max(known) if known and len(known) == len(lags) else None

    def as_json(self) -> dict[str, object]:
        """The status as a JSON object; its keys are explained in ops/docs/commands.md."""
        return {
            "pipeline": self.pipeline,
            "capture": None if self.source is None else self.source.as_json(),
            "captured_lsn": None if self.captured_lsn is None else lsn_text(self.captured_lsn),
            "workers": self.workers,
            "lag_ms": self.lag_ms,
            "entities": [entity.as_json() for entity in self.entities],
            "problems": list(self.problems),
            "next_steps": self.next_steps,
        }

    @property
    def next_steps(self) -> list[str]:
        """Commands that the state suggests, the most urgent first."""
        folder = self.folder
        stopped = [entity for entity in self.entities if entity.state == "stopped"]
        paused = [entity for entity in self.entities if entity.state == "paused"]
        steps = [
            f"understudy resume {folder} --entity {entity.name}" for entity in (*stopped, *paused)
        ]
        if any(entity.dead_letters for entity in self.entities):
            steps.append(f"understudy dead-letters list {folder}")
        is_captured = self.source is not None and self.source.is_captured
        never_ran = self.source is not None and self.source.slot is None
        never_ran = never_ran and all(entity.state == "new" for entity in self.entities)
        # After a drop too: the target tables may hold rows, and `run` refuses them.
        if self.problems or never_ran:
            steps.append(f"understudy check {folder}")
        elif not (is_captured and self.workers):
            steps.append(f"understudy run {folder}")
        return steps or [f"understudy status {folder} --watch"]
