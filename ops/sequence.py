"""The order of a migration, as `understudy plan` shows it. Pure."""

from dataclasses import asdict, dataclass

from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Missing

HEADINGS = ("wave", "entity", "legacy table", "target table", "waits for", "rows")
# What a narrow terminal leaves out, the least important first.
SPARE = ("rows", "target table", "legacy table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entity in the order.

    Attributes:
        wave: From 1; all of one wave may be applied at once.
        waits_for: Entities whose rows come before.
        ring: The others that it forms a ring with: they are applied together.
        refers_to: Entities that it refers to without waiting (`missing = "keep"`).
        rows: own, union (beside others in the table), or join (columns of the rows of another).
    """

    wave: int
    entity: str
    source: str
    target: str
    waits_for: tuple[str, ...]
    ring: tuple[str, ...]
    refers_to: tuple[str, ...]
    rows: str

    def as_json(self) -> dict[str, object]:
        """For `--output json`."""
        return asdict(self)

    def cells(self) -> tuple[object, ...]:
        """In the order of HEADINGS."""
        with_ring = [*self.waits_for, *(f"{name} (ring)" for name in self.ring)]
        return self.wave, self.entity, self.source, self.target, ", ".join(with_ring), self.rows


def steps(migration: Migration) -> list[Step]:
    """All entities, in the order in which they are applied."""
    levels = migration.levels
    found = [_step(migration, entity, levels[name]) for name, entity in migration.entities.items()]
    return sorted(found, key=lambda step: (step.wave, step.entity))


def _step(migration: Migration, entity: Entity, wave: int) -> Step:
    ring = set(migration.group_of(entity.name)) - {entity.name}
    refs = entity.refs.values()
    waits_for = {rule.ref for rule in refs if rule.missing is not Missing.KEEP} - {entity.name}
    return Step(
        wave=wave,
        entity=entity.name,
        source=str(entity.source),
        target=str(entity.target),
        waits_for=tuple(sorted(waits_for - ring)),
        ring=tuple(sorted(ring)),
        refers_to=tuple(sorted({rule.ref for rule in refs} - waits_for - {entity.name})),
        rows=f"join {entity.joined}" if entity.joined else entity.merge or "own",
    )
