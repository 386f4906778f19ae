"""The account of a migration: for every legacy table, rows in the source = in the target + all that is explained.

Values only; accounting.py fills them.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops.amounts import how_many
from ops.proof.classes import Class
from ops.proof.totals import Total
from schemas.event_id import lsn_text

KEYS_LISTED_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityAccount:
    """What became of the rows of one legacy table under one entity's rules.

    Attributes:
        domain: Folder of the entity file below entities/; empty if it is in none.
        counts: Rows of the source by class.
        dead_letters, parked, excluded: Rows by reason.
        repaired: Of the rows in the target, how many found a parent by an alternative key.
        unaccounted: Legacy keys of rows that are in no column: no trace, or mapped and not in the target.
        extra: Legacy keys that are in the target, or wait, and that the source does not have.
        rules: The entity file as it stands.
    """

    entity: str
    domain: str
    source: str
    target: str
    rows: int
    counts: Counter[Class]
    dead_letters: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    unaccounted: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()
    rules: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether every row is accounted for, and every total agrees."""
        return not (self.unaccounted or self.extra) and all(t.agrees for t in self.totals)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`; of the keys some, of their number all."""
        return {
            "entity": self.entity,
            "domain": self.domain,
            "source": self.source,
            "target": self.target,
            "rows_source": self.rows,
            "rows_target": self.counts[Class.TARGET],
            "merged": self.counts[Class.MERGED],
            "dead_letters": self.counts[Class.DEAD_LETTER],
            "dead_letters_by_reason": dict(self.dead_letters),
            "parked": self.counts[Class.PARKED],
            "parked_by_reason": dict(self.parked),
            "excluded": self.counts[Class.EXCLUDED],
            "excluded_by_rule": dict(self.excluded),
            "repaired": self.repaired,
            "unaccounted": len(self.unaccounted),
            "unaccounted_keys": self.unaccounted[:KEYS_LISTED_MAX],
            "extra": len(self.extra),
            "extra_keys": self.extra[:KEYS_LISTED_MAX],
            "totals": [total.as_json() for total in self.totals],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of all entities at one exact point.

    Attributes:
        lsn: Of the source.
        at: By the source's clock.
        held_s: How long the workers were held for it, in seconds.
        versions: Of understudy and of both servers.
        unread: Legacy tables that no entity reads, with the server's estimate of their rows.
    """

    pipeline: str
    lsn: int
    at: datetime
    held_s: float
    versions: dict[str, str]
    entities: tuple[EntityAccount, ...]
    unread: dict[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Rows that are in no column, and rows of the target that no row of the source explains."""
        return sum(len(entity.unaccounted) + len(entity.extra) for entity in self.entities)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is open."""
        return all(entity.is_clean for entity in self.entities)

    def count(self, class_: Class) -> int:
        """Rows of one class, of all entities."""
        return sum(entity.counts[class_] for entity in self.entities)

    @property
    def rows(self) -> int:
        """Rows of the source, of all entities."""
        return sum(entity.rows for entity in self.entities)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "pipeline": self.pipeline,
            "lsn": lsn_text(self.lsn),
            "at": self.at.isoformat(),
            "held_s": round(self.held_s, 2),
            "versions": self.versions,
            "rows_source": self.rows,
            "rows_target": self.count(Class.TARGET),
            "merged": self.count(Class.MERGED),
            "dead_letters": self.count(Class.DEAD_LETTER),
            "parked": self.count(Class.PARKED),
            "excluded": self.count(Class.EXCLUDED),
            "repaired": sum(entity.repaired for entity in self.entities),
            "unaccounted": self.unaccounted,
            "totals_agree": all(t.agrees for e in self.entities for t in e.totals),
            "entities": [entity.as_json() for entity in self.entities],
            "legacy_tables_not_read": self.unread,
        }

    def verdict(self) -> str:
        """The account in one sentence."""
        merged, repaired = self.count(Class.MERGED), sum(e.repaired for e in self.entities)
        told = f" ({repaired:,} repaired)" if repaired else ""
        parts = [
            f"{how_many(self.rows, 'legacy row')} = {self.count(Class.TARGET):,} in the target{told}",
            *([f"{merged:,} merged"] if merged else []),
            how_many(self.count(Class.DEAD_LETTER), "dead letter"),
            f"{self.count(Class.PARKED):,} parked",
            f"{self.count(Class.EXCLUDED):,} excluded",
        ]
        off = [t for e in self.entities for t in e.totals if not t.agrees]
        tail = f", {how_many(len(off), 'total differs', 'totals differ')}" if off else ""
        return f"{' + '.join(parts)}; unaccounted {self.unaccounted:,}{tail}"
