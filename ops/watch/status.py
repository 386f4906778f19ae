"""The state of a pipeline at one moment, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ops.amounts import how_many
from ops.proof.verified import Stored
from ops.watch.movement import ORDER, Movement, Pace
from ops.watch.source import SourceStatus
from schemas.event_id import lsn_text

# From the least far; those that need somebody first.
STATES = ("stopped", "paused", "new", "snapshot", "tail", "switched")
# Not in the JSON as they are.
_OUTSIDE = ("pace", "lag_by_partition")


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
        remaining_records: The same with the rows of the snapshot that are not in Kafka yet, as far as is known.
        lag_ms: Age of the newest moment of the source that is wholly in the target; None before the first, which
            is the end of the snapshot, and after the switch.
        apply_lag_ms: How much older its last applied marker is than the newest in Kafka; in the snapshot too.
        still_ms: How long a record has waited for a partition that does not move.
        lag_by_partition: `lag_records` by topic and partition.
        waits_for: In the snapshot, entities that must have applied theirs before.
        verified: Its newest verification; None where there is none.
        pace: How it moves; None after the switch, and where nothing can be said.
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
    remaining_records: int | None = None
    apply_lag_ms: int | None = None
    still_ms: int = 0
    lag_by_partition: Mapping[tuple[str, int], int] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()
    verified: Stored | None = None
    pace: Pace | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody is meant to be at it: it is switched, or new and its topic empty."""
        return self.state == "switched" or (self.state == "new" and not self.lag_records)

    @property
    def is_consumed(self) -> bool:
        """Whether somebody has all of its partitions and may apply them."""
        return self.state in ("snapshot", "tail") and not self.unowned

    def as_json(self) -> dict[str, object]:
        """The entity as a JSON object."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name not in _OUTSIDE}
        return (
            fields
            | _moves(self.pace)
            | {
                "parked": sum(self.parked.values()),
                "parked_by_reason": self.parked,
                "dead_letters": sum(self.dead_letters.values()),
                "dead_letters_by_reason": self.dead_letters,
                "verified": self.verified and self.verified.as_json(),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A pipeline.

    Attributes:
        source: None where the source cannot be asked.
        captured_lsn: All of the source up to here is in Kafka.
        workers: Members of the consumer group; None where Kafka cannot be asked.
        problems: One line per server that cannot be asked.
        unanswered: Which of source, kafka and target these are.
        exit_code: Of the first problem.
        heartbeat_ms: Between two heartbeats.
        marker_ms: Source time of the newest marker in Kafka; None before the first.
        capture_lag_ms: The age of that marker.
        stored: Records in all topics; None where Kafka cannot be asked.
        capture_pace: How the capture moves, in records that it stores.
        apply_pace: How all entities together move.
    """

    pipeline: str
    folder: Path
    source: SourceStatus | None
    captured_lsn: int | None
    workers: int | None
    entities: tuple[EntityStatus, ...]
    problems: tuple[str, ...]
    unanswered: frozenset[str] = frozenset()
    exit_code: int = 0
    heartbeat_ms: int = 1_000
    marker_ms: int | None = None
    capture_lag_ms: int | None = None
    stored: int | None = None
    capture_pace: Pace | None = None
    apply_pace: Pace | None = None

    @property
    def is_over(self) -> bool:
        """Whether every entity is switched to the target: nobody captures the source any more."""
        return bool(self.entities) and all(one.state == "switched" for one in self.entities)

    @property
    def state(self) -> str:
        """One word: the state of the entity that is least far."""
        states = {entity.state for entity in self.entities}
        return next((word for word in STATES if word in states), "starting")

    @property
    def lag_ms(self) -> int | None:
        """Of the entity that is furthest behind, those aside that are switched; None where it is not known of one."""
        lags = [entity.lag_ms for entity in self.entities if entity.state != "switched"]
        known = [lag for lag in lags if lag is not None]
        return max(known) if known and len(known) == len(lags) else None

    @property
    def movement(self) -> Movement | None:
        """Of the part that moves worst; None where nothing can be said."""
        paces = [self.capture_pace, *(entity.pace for entity in self.entities)]
        found = [one.movement for one in paces if one is not None]
        return max(found, key=ORDER.index, default=None)

    @property
    def applied(self) -> int:
        """Records behind the checkpoints of all entities."""
        return sum(entity.applied for entity in self.entities)

    @property
    def remaining(self) -> int:
        """Records that are still to be applied, as far as is known."""
        return sum(entity.remaining_records or 0 for entity in self.entities)

    def as_json(self) -> dict[str, object]:
        """The status as a JSON object; its keys are explained in ops/docs/commands.md."""
        return {
            "pipeline": self.pipeline,
            "state": self.state,
            **_moves(self.apply_pace),
            "movement": self.movement,
            "capture": self.source
            and self.source.as_json()
            | {"lag_ms": self.capture_lag_ms, **_moves(self.capture_pace)},
            "captured_lsn": None if self.captured_lsn is None else lsn_text(self.captured_lsn),
            "workers": self.workers,
            "lag_ms": self.lag_ms,
            "remaining_records": self.remaining,
            "entities": [entity.as_json() for entity in self.entities],
            "problems": list(self.problems),
            "next_steps": self.next_steps,
        }

    @property
    def blockers(self) -> list[str]:
        """What is in the way of a cutover, as far as a look tells; `cutover plan` asks the rest."""
        entities = {
            "not in the tail": sum(one.state != "tail" for one in self.entities),
            "not verified, or changed since": sum(
                one.verified is None or one.verified.is_stale or not one.verified.is_clean
                for one in self.entities
            ),
        }
        rows = {
            "parked row": sum(sum(one.parked.values()) for one in self.entities),
            "dead letter": sum(sum(one.dead_letters.values()) for one in self.entities),
        }
        some = len(self.entities)
        return [
            *(f"{count} of {some} entities {what}" for what, count in entities.items() if count),
            *(how_many(count, what) for what, count in rows.items() if count),
        ]

    @property
    def needs_another_look(self) -> bool:
        """Whether this one alone does not tell how a part moves: somebody is at it, or about to be."""
        if self.is_over or self.unanswered or not self.workers:
            return False
        return any(entity.remaining_records or entity.unowned for entity in self.entities)

    def with_rows_of(self, before: "Status") -> "Status":
        """The same with the rows that were counted in an earlier look."""
        rows = {entity.name: entity.rows for entity in before.entities}
        entities = tuple(replace(one, rows=rows.get(one.name)) for one in self.entities)
        return replace(self, entities=entities)

    @property
    def next_steps(self) -> list[str]:
        """Commands that the state suggests, the most urgent first."""
        folder = self.folder
        if self.is_over and not self.problems:
            return [f"understudy cutover status {folder}"]
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
        if not self.problems and not (is_captured and self.workers):
            steps.append(f"understudy run {folder}")
        return steps or [self._calm_step]

    @property
    def _calm_step(self) -> str:
        """What comes next where nothing is urgent."""
        if self.state != "tail":
            return f"understudy status {self.folder} --watch"
        if any(one.parked for one in self.entities):
            return f"understudy parked list {self.folder}"
        if any(
            one.verified is None or one.verified.by_other_rules or not one.verified.is_clean
            for one in self.entities
        ):
            return f"understudy verify {self.folder}"
        return f"understudy cutover plan {self.folder}"


def _moves(pace: Pace | None) -> dict[str, object]:
    """A pace as keys of a JSON object."""
    if pace is None:
        return {"movement": None, "rows_per_s": None, "eta_s": None}
    return {
        "movement": pace.movement,
        "rows_per_s": _rounded(pace.per_s),
        "eta_s": _rounded(pace.eta_s),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
