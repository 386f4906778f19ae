"""A unit of consumption: partitions of a topic and the entities that read it, applied together, batch by batch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from consumers.apply import Applier, Events
from consumers.buffer import Buffer, Load
from consumers.target import Session
from schemas.spans import Mark

Chore = Callable[[Session], None]
Work = tuple[tuple[Applier, Events], ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """A load on its way through decoding and applying.

    Attributes:
        turn: Of the unit when it was taken; a batch of an earlier turn is of no use any more.
        work: The events of each entity, once it is decoded.
        mark: Of its decoding, for the stages that follow.
    """

    unit: "Unit"
    load: Load
    turn: int
    work: Work | None = None
    decoding: bool = False
    mark: Mark = None

    def hold(self, work: Work) -> None:
        """Keep the work, and no longer the records that it was decoded from."""
        self.work = work
        self.load = replace(self.load, runs=())


@dataclass(slots=True, kw_only=True, eq=False)
class Unit:
    """Some partitions of one topic, and the entities that read it.

    Attributes:
        batch_rows: Records in a batch, at most.
        open: Whether batches may be applied: no gate, hold or stop is in the way.
        lingers_until: While others have a backlog, a few records are no batch before this (monotonic).
        rewinding: What was read is forgotten; reading begins again at the checkpoints.
        committed: Where the checkpoint of each partition that is ours stands.
    """

    topic: str
    entities: tuple[str, ...]
    buffer: Buffer
    batch_rows: int
    open: bool = False
    applying: bool = False
    rewinding: bool = False
    did_chore: bool = False
    turn: int = 0
    attempts: int = 0
    not_before: float = 0.0
    lingers_until: float = 0.0
    applied_rows: int = 0
    pending: list[Batch] = field(default_factory=list)
    chores: dict[str, Chore] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)

    @property
    def buffered_rows(self) -> int:
        """Records that were read and are not applied."""
        return self.buffer.records + sum(batch.load.records for batch in self.pending)


class Job(Enum):
    """What a lane is given to do."""

    APPLY = auto()
    DECODE = auto()
    CHORE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing for one lane."""

    job: Job
    unit: Unit
    batch: Batch | None = None
    chore: Chore | None = None
