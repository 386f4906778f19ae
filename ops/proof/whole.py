"""What takes all rows of an entity to be known: rows and keys that only one side has, totals, structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from consumers.expectation import Expectation
from ops.cutover.gate import Gate
from ops.proof import reconciling, structure
from ops.proof.exact_point import ExactPoint
from ops.proof.plans import Plans
from ops.proof.totals import Theirs, of_target, totals
from ops.proof.totals_sql import Summed
from ops.proof.verification import Difference, EntityVerification, Kind
from schemas.migration import Migration
from schemas.rules import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the target says of an entity, whatever the source has.

    Attributes:
        keys: Every legacy key that it has ever had: `key` and `state`.
        unowned: UUIDs of rows of its target table that are nobody's.
        sums: Of its numeric columns.
    """

    keys: pl.DataFrame
    unowned: list[str]
    sums: Mapping[str | None, Theirs]


class Whole:
    """Looks at entities as wholes, at one exact point; for one thread."""

    def __init__(
        self, migration: Migration, point: ExactPoint, plans: Plans, names: Sequence[str]
    ) -> None:
        """Look at these entities.

        Args:
            migration: All entities.
            point: Its connections are used.
            plans: Of the entities.
            names: Of the entities.
        """
        self._migration = migration
        self._point = point
        self._plans = plans
        self._names = names
        self._told: set[tuple[str, str]] = set()
        self._unowned: dict[tuple[str, str], list[str]] = {}

    def ask(self, name: str) -> Recorded:
        """Ask the target; its answer does not depend on the comparison, which may go on meanwhile."""
        entity, target = self._migration.entities[name], self._point.target
        unowned: list[str] = []
        # The first of the entities that share a table is told of rows that are nobody's.
        if not entity.joined and entity.target.place not in self._told:
            self._told.add(entity.target.place)
            unowned = self._nobodys(name)
        keys = reconciling.recorded(target, entity)
        return Recorded(keys=keys, unowned=unowned, sums=of_target(target, self._summed(name)))

    def conclude(self, found: EntityVerification, recorded: Recorded, *, values: bool) -> None:
        """Note what the comparison could not see; all rows that the source has were compared."""
        gone = found.reconcile(recorded.keys)
        if gone:
            expectation = Expectation(self._plans.stages[found.entity])
            with self._point.target.cursor() as cursor:
                found.take(expectation.remaining(cursor, gone), values=values)
        nobodys = Kind.STUB if found.has_stubs else Kind.EXTRA
        for row_id in recorded.unowned:
            found.note(Difference(key=row_id, kind=nobodys))
        for key in self._shared.get(found.entity, ()):
            found.note(Difference(key=key, kind=Kind.SHARED))
        self._add_up(found, recorded.sums)

    def checks(self) -> list[Gate]:
        """What holds of the target's tables as a whole."""
        tables = {name: self._plans.stages[name].plan.target for name in self._names}
        return structure.look(self._point.target, self._migration, tables, self._shared)

    @cached_property
    def _shared(self) -> dict[str, list[str]]:
        """Legacy keys that have one UUID with another, by entity with rows of its own."""
        owning = [name for name in self._names if not self._migration.entities[name].joined]
        return {name: self._sharing(name) for name in owning}

    def _sharing(self, name: str) -> list[str]:
        target, entity = self._point.target, self._migration.entities[name]
        table = self._plans.stages[name].plan.target
        is_own = structure.has_unique_ids(table, entity) and not self._nobodys(name)
        if is_own and reconciling.balanced(target, self._migration, entity):
            return []
        return reconciling.sharing(target, self._migration, name)

    def _nobodys(self, name: str) -> list[str]:
        """UUIDs of rows of an entity's target table that no legacy row was ever made into."""
        entity = self._migration.entities[name]
        place = entity.target.place
        if place not in self._unowned:
            found = reconciling.unowned(self._point.target, self._migration, entity)
            self._unowned[place] = found
        return self._unowned[place]

    def _add_up(self, found: EntityVerification, theirs: Mapping[str | None, Theirs]) -> None:
        """The numeric columns of both sides, added up by each server from its own rows."""
        summed = self._summed(found.entity)
        names = [f"__key{n}" for n in range(len(summed.key))]
        nothing = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        staying = pl.concat([nothing, *found.staying])
        found.totals = totals(self._point.source, summed, staying, self._plans.identities, theirs)

    def _summed(self, name: str) -> Summed:
        plan = self._plans.stages[name].plan
        return Summed(
            entity=plan.entity,
            legacy=plan.legacy,
            target=plan.target,
            key=tuple(column.name for column in plan.key),
        )


def has_stubs(migration: Migration, name: str) -> bool:
    """Whether rows of an entity may stand for parents that have not come."""
    refs = (rule for entity in migration.entities.values() for rule in entity.refs.values())
    return any(rule.ref == name and rule.missing is Missing.STUB for rule in refs)
