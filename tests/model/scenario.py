"""What a random history is made of: the rules of the apply path, the tables and the odds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

# Every rule by name, so that a test can leave one out and show what goes wrong without it.
RULES = {
    "fence": "the highest event id wins; an equal or lower one changes nothing",
    "tombs": "a delete and an excluded row leave their event id behind",
    "unavailable": "an unavailable column keeps its value, it does not become NULL",
    "base": "a partial event without an applied base waits",
    "merged": "what waits is one merged image: newer partials merge into it, older rows complete it",
    "order": "within a batch events are merged by event id, not by offset",
    "stale_aside": "what is stale is dropped before anything is set aside",
    "watermark": "a parent is absent only once its watermark has passed the child's commit LSN",
    "park_parent": "a child without its parent is parked, not written",
    "park_delete": "a delete whose children remain is parked",
    "sweep": "what waits is tried again",
    "where": "`where` is asked after completion; a row that leaves it is deleted from the target",
    "truncate": "TRUNCATE deletes mapped rows below it, and events below it are stale",
    "unique": "a secondary unique conflict parks",
    "gate": "children wait until the parents have applied the end of their snapshot",
    "reread": "an inserted row that lacks a column is read again at a later consistent point",
    "insert_base": "the insert of a key change takes no base from an older image of its own key",
    "ring": "a ring of any length on a unique key is applied together, not only two",
    "withdraw": "a version that is parked for its parent takes the older one out of the target",
    "dangling": "children that hold back a delete past their watermark are run again",
    "older": "the older version of a parked row leaves, though others refer to it: they are run again",
    "below": "what refers to a row that is taken out is run again in turn, down to the last",
    "knot": "rows that wait for each other as parents go in together",
    "fill": "a reference written as NULL by `missing` is filled when the parent comes",
}
ALL_RULES = frozenset(RULES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """Legacy tables, parents first; column p of a table refers to a row of another, or of its own.

    Attributes:
        refers: Which table the column p of each refers to; the other tables have no p.
    """

    tables: tuple[str, ...]
    refers: Mapping[str, str]

    def children(self, table: str) -> tuple[str, ...]:
        """The tables that refer to this one."""
        return tuple(name for name in self.tables if self.refers.get(name) == table)


PARENTS, CHILDREN, TOYS, COMMENTS = "parents", "children", "toys", "comments"
FAMILY = Shape(tables=(PARENTS, CHILDREN), refers={CHILDREN: PARENTS})
CHAIN = Shape(tables=(PARENTS, CHILDREN, TOYS), refers={CHILDREN: PARENTS, TOYS: CHILDREN})
TREE = Shape(tables=(COMMENTS,), refers={COMMENTS: COMMENTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The bounds and odds of one random history, and the rules that hold for its target.

    Attributes:
        transactions: How many the source commits, before it corrects its bad values.
        keys: The legacy keys that rows may have.
        source_fk: Whether the source enforces its references.
        partial: Odds that a value that did not change is not sent.
        excluded: Odds that `where` does not take a row.
        bad: Odds that a row has a value that the rules refuse.
        unique: Whether the unique column u is used.
        dense: Whether every row has a unique value, if one is left, and they often change hands.
        moves: Whether keys change.
        truncate: Odds that a change is a TRUNCATE.
        resumed: Whether the snapshot is interrupted, and goes on at a later consistent point.
        duplicate: Odds that the producer starts again further back, per record.
        missing: What a row does without its parent: park, null, keep, stub or dead-letter.
        replayed: Whether everything is consumed twice.
        restarts: Whether consumers now and then start again further back.
    """

    transactions: int
    keys: tuple[int, ...]
    source_fk: bool
    partial: float
    excluded: float
    bad: float
    unique: bool
    dense: bool
    moves: bool
    truncate: float
    resumed: bool
    duplicate: float
    missing: str
    replayed: bool
    restarts: bool
    shape: Shape = FAMILY
    rules: frozenset[str] = field(default=ALL_RULES, repr=False)

    @property
    def horizon(self) -> int:
        """An LSN that nothing reaches."""
        return 10 * (self.transactions + 4)


def scenario(rng: Random) -> Scenario:
    """A random scenario."""
    return Scenario(
        dense=rng.random() < 0.3,
        transactions=rng.randint(1, 7),
        keys=tuple(range(1, rng.randint(2, 4) + 1)),
        source_fk=rng.random() < 0.5,
        partial=rng.choice((0, 0.5, 0.9)),
        excluded=rng.choice((0, 0.2)),
        bad=rng.choice((0, 0, 0.15)),
        unique=rng.random() < 0.5,
        moves=rng.random() < 0.6,
        truncate=rng.choice((0, 0, 0.07)),
        resumed=rng.choice((False, False, True)),
        duplicate=rng.choice((0, 0.1)),
        missing=rng.choice(("park", "null", "keep")),
        replayed=rng.random() < 0.3,
        restarts=rng.random() < 0.3,
    )
