"""What the checker found."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

PROBLEMS_LISTED_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: For instance missing, extra, different, mapping, orphan.
        entity: Name of the entity or table.
        key: Legacy key, or UUID where there is none.
        column: Where one column is at fault.
        detail: What was expected; holds values only where the caller asked for them.
    """

    kind: str
    entity: str
    key: str = ""
    column: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """One line."""
        return " ".join(
            part for part in (self.kind, self.entity, self.key, self.column, self.detail) if part
        )


@dataclass(slots=True, kw_only=True)
class Counts:
    """The account of one entity; merged, parked, dead letters and excluded as the target recorded them."""

    rows_source: int = 0
    rows_target: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    parked: int = 0
    dead_letters: int = 0
    excluded: int = 0
    merged: int = 0


@dataclass(slots=True, kw_only=True)
class Report:
    """The account of all entities, and every problem.

    Attributes:
        unaccounted: Source rows that are neither in the target nor recorded as merged, parked,
            dead letter or excluded.
    """

    entities: dict[str, Counts] = field(default_factory=dict)
    unaccounted: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not self.problems and not self.unaccounted

    def document(self) -> dict[str, Any]:
        """The report for JSON; the list of problems is cut, their numbers are not."""
        return {
            "entities": {name: asdict(counts) for name, counts in self.entities.items()},
            "unaccounted": self.unaccounted,
            "problem_counts": dict(Counter(problem.kind for problem in self.problems)),
            "problems": [asdict(problem) for problem in self.problems[:PROBLEMS_LISTED_MAX]],
        }
