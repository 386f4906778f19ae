"""What a verification finds: rows of the target that are not what the rules make of the legacy rows. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

import polars as pl

from consumers.expectation import Unexpected, Values
from ops.amounts import how_many
from ops.cutover.gate import Gate
from ops.proof.hold import Place
from ops.proof.totals import Total
from ops.proof.verified import Stored
from schemas.event_id import lsn_text

# Keys that are kept of an entity; all are counted.
KEPT_MAX = 10_000


class Kind(Enum):
    """Why a row is not as expected."""

    IN_FLIGHT = "in flight: its parent may still come"
    DEAD_LETTER = "dead letter"
    PARKED = "parked"
    EXCLUDED = "given up by an operator"
    HELD = "deleted, but rows refer to it still"
    STUB = "stands for a parent that has not come"
    MISSING = "missing in the target"
    EXTRA = "in the target, but not in the source"
    BEHIND = "a change of the source was never applied"
    ROGUE = "written on the target by somebody else"
    RULES = "written by older rules"
    DIFFERENT = "different"
    UNRECORDED = "nothing is recorded of it"
    SHARED = "another legacy row has its UUID"

    @property
    def is_explained(self) -> bool:
        """Whether the row is where the account says that it is; all others are faults."""
        return self in _EXPLAINED

    @property
    def is_repairable(self) -> bool:
        """Whether the image in the mapping is all that it takes."""
        return self in (Kind.MISSING, Kind.ROGUE, Kind.RULES, Kind.DIFFERENT)


_EXPLAINED = (
    Kind.IN_FLIGHT,
    Kind.DEAD_LETTER,
    Kind.PARKED,
    Kind.EXCLUDED,
    Kind.HELD,
    Kind.STUB,
)
_WAITING = {"rule": Kind.DEAD_LETTER, "watermark": Kind.IN_FLIGHT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row.

    Attributes:
        key: Its legacy key; of a target row that is nobody's, its UUID.
        columns: Of the target, those that differ; expected and found text only where values were asked for.
    """

    key: str
    kind: Kind
    columns: dict[str, Values | None] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        shown = {
            name: None if values is None else dict(zip(("expected", "found"), values, strict=True))
            for name, values in self.columns.items()
        }
        return {"key": self.key, "kind": self.kind.value, "columns": shown}


def kind_of(row: Unexpected, spec_version: int) -> Kind:
    """Why a row is not as expected.

    Args:
        row: As it was found.
        spec_version: Of the present rules.
    """
    known = row.standing
    if known.waits is not None:
        return Kind.HELD if known.deleted else _WAITING.get(known.waits, Kind.PARKED)
    if known.given_up and not row.is_there:
        return Kind.EXCLUDED
    if known.spec_version is not None and known.spec_version < spec_version:
        return Kind.RULES
    return _fault(row)


def _fault(row: Unexpected) -> Kind:
    """Why a row is not as the present rules made it, and nothing waits for it."""
    if not row.is_there:
        return Kind.MISSING if row.standing.state == "l" else Kind.BEHIND
    if not row.is_expected:
        return Kind.EXTRA
    if row.standing.current is None:
        return Kind.DIFFERENT
    return Kind.ROGUE if row.standing.current else Kind.BEHIND


@dataclass(slots=True, kw_only=True)
class EntityVerification:
    """What was found of one entity; grows while it is compared.

    Attributes:
        has_stubs: Whether rows of the target may stand for parents that have not come.
        rows: Legacy rows that were compared.
        found: Rows by kind.
        differences: Those that are faults, up to KEPT_MAX.
        waiting: Keys that wait: they may go in without an event of their own.
        keys: Legacy keys that the source has, in parts; until all is found.
        staying: The columns of the key, as the source prints them, of the rows that wait; as `keys`.
        totals: Of its numeric columns; where all rows are looked at.
    """

    entity: str
    spec_version: int
    has_stubs: bool = False
    rows: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    keys: list[pl.Series] = field(default_factory=list, repr=False)
    staying: list[pl.DataFrame] = field(default_factory=list, repr=False)
    totals: list[Total] = field(default_factory=list)

    def take(self, rows: Sequence[Unexpected], *, values: bool) -> None:
        """Note rows that are not as expected."""
        for row in rows:
            kind = kind_of(row, self.spec_version)
            if kind is Kind.EXTRA and self.has_stubs:
                kind = Kind.STUB
            columns = {n: both if values else None for n, both in row.columns.items()}
            self.note(Difference(key=row.key, kind=kind, columns=columns))

    def note(self, difference: Difference) -> None:
        """Note one row."""
        self.found[difference.kind] += 1
        if difference.kind.is_explained:
            self.waiting += [] if difference.kind is Kind.STUB else [difference.key]
        elif len(self.differences) < KEPT_MAX:
            self.differences.append(difference)

    def reconcile(self, recorded: pl.DataFrame) -> list[str]:
        """Note the keys of the source that the mapping does not record, where nothing else was said of them.

        Args:
            recorded: `key` and `state`.

        Returns:
            The live keys of the mapping that the source does not have.
        """
        ours = pl.DataFrame({"key": pl.concat(self.keys or [pl.Series(dtype=pl.String)])})
        noted = {*self.waiting, *(difference.key for difference in self.differences)}
        for key in ours.join(recorded, on="key", how="anti")["key"].sort().to_list():
            if key not in noted:
                self.note(Difference(key=key, kind=Kind.UNRECORDED))
        live = recorded.filter(pl.col("state") == "l")
        return live.join(ours, on="key", how="anti")["key"].to_list()

    def forget(self) -> None:
        """Give back the memory of what is needed no longer once all is found."""
        self.keys.clear()
        self.staying.clear()

    @property
    def is_clean(self) -> bool:
        """Whether no row is a fault, and the totals agree."""
        return not self.differing and all(total.agrees for total in self.totals)

    @property
    def differing(self) -> int:
        """Rows that are faults."""
        return sum(count for kind, count in self.found.items() if not kind.is_explained)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "entity": self.entity,
            "rows": self.rows,
            "differing": self.differing,
            "found": {kind.value: count for kind, count in self.found.items()},
            "differences": [difference.as_json() for difference in self.differences],
            "totals": [total.as_json() for total in self.totals],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verification at one exact point.

    Attributes:
        scope: `all`, `sample` or `changed`.
        lsn: Of the source.
        seconds: That comparing took.
        offsets: By partition, the first record that was not looked at.
        entities: That were looked at.
        resumed: What stands of the others: found clean before it was stopped, each at a point of its own.
        checks: Of the target's structure, and the totals; where all rows are looked at.
    """

    pipeline: str
    scope: str
    lsn: int
    at: datetime
    held_s: float
    seconds: float
    offsets: Mapping[Place, int]
    entities: tuple[EntityVerification, ...]
    resumed: tuple[Stored, ...] = ()
    checks: tuple[Gate, ...] = ()

    @property
    def rows(self) -> int:
        """Legacy rows that were compared."""
        return sum(entity.rows for entity in self.entities)

    @property
    def differing(self) -> int:
        """Rows that are faults."""
        return sum(entity.differing for entity in self.entities)

    def repairable(self) -> dict[str, list[str]]:
        """Legacy keys of faults that the images in the mapping can mend, by entity."""
        return {
            entity.entity: keys
            for entity in self.entities
            if (keys := [d.key for d in entity.differences if d.kind.is_repairable])
        }

    @property
    def is_clean(self) -> bool:
        """Whether each row is as expected, or where the account says; the totals agree, and all checks hold."""
        return all(entity.is_clean for entity in self.entities) and not self.unmet

    @property
    def unmet(self) -> list[Gate]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.met]

    @property
    def totals_agree(self) -> bool:
        """Whether the numeric columns of both sides add up to the same."""
        return all(total.agrees for entity in self.entities for total in entity.totals)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "pipeline": self.pipeline,
            "scope": self.scope,
            "lsn": lsn_text(self.lsn),
            "at": self.at.isoformat(),
            "held_s": round(self.held_s, 2),
            "seconds": round(self.seconds, 2),
            "rows": self.rows,
            "rows_per_s": round(self.rows / max(self.seconds, 0.001)),
            "clean": self.is_clean,
            "differing": self.differing,
            "entities": [entity.as_json() for entity in self.entities],
            "resumed": [{"entity": one.entity, **one.as_json()} for one in self.resumed],
            "checks": [check.as_json() for check in self.checks],
            "totals_agree": self.totals_agree,
        }

    def verdict(self) -> str:
        """The verification in one sentence."""
        explained = sum(e.found.total() for e in self.entities) - self.differing
        waiting = f", {explained:,} where the account says" if explained else ""
        before = (
            f", {how_many(len(self.resumed), 'entity was', 'entities were')} verified before"
            if self.resumed
            else ""
        )
        totals = "" if self.totals_agree else ", and totals differ"
        checks = "".join(
            f"; {check.name}: {check.says}" for check in self.unmet if check.name != "totals"
        )
        return (
            f"{how_many(self.rows, 'row')} compared at {lsn_text(self.lsn)} in {self.seconds:.1f} s{before}: "
            f"{self.differing:,} differ{waiting}{totals}{checks}"
        )
