"""Expected rows as texts, without asking the target: of entities whose rules copy, refer, or are computed in columns.

Where a rule is SQL, a value has another type on the target, or a row may be excluded or refused, only PostgreSQL knows
what the target should have: of such entities nothing is known here, and the stage is asked (expectation.py).
Two values are the same here where PostgreSQL prints them the same, under the settings of schemas.session: these are
chosen so that what is printed says all that there is (1.0 is not 1.00, and a float has all its digits).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from consumers import compare_sql
from consumers.conversion import ident
from consumers.plan import EntityPlan
from consumers.stage import Stage
from schemas.rules import Ref
from schemas.table import Column

ID = "__id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """How the rows of one entity are expected.

    Attributes:
        columns: Of the target, beginning with the UUID.
        places: Where each is to be found, in their order: a legacy column, or a derived one.
        derived: Those of the places that are computed in columns.
        uuids: Those of them that hold UUIDs of ours: 32 digits, without hyphens.
    """

    stage: Stage
    columns: tuple[Column, ...]
    places: tuple[str, ...]
    derived: frozenset[str]
    uuids: frozenset[str]

    @classmethod
    def of(cls, stage: Stage) -> "Plain | None":
        """An entity, if its rows can be told like that."""
        plan = stage.plan
        if not _is_plain(plan):
            return None
        known = _places(plan)
        compared = {written.column: written.value for written in compare_sql.compared(plan)}
        columns = [plan.target.table.column(name) for name in (plan.entity.id_column, *compared)]
        if any(value not in known for value in compared.values()):
            return None
        references = {made.name for made in plan.derived if isinstance(made.rule, Ref)}
        return cls(
            stage=stage,
            columns=tuple(column for column in columns if column is not None),
            places=(ID, *(known[value] for value in compared.values())),
            derived=frozenset({ID, *(made.name for made in plan.derived)}),
            uuids=frozenset({ID, *references}),
        )

    def expected(self, printed: pl.DataFrame, legacy: pl.DataFrame) -> pl.DataFrame:
        """What the target should have, in the order of `columns`.

        Args:
            printed: Legacy rows, as the source prints them.
            legacy: The same, typed as in frames of events.

        Raises:
            RecordError: A Python rule fails.
        """
        made = self.stage.derived(legacy)
        return pl.DataFrame(
            [
                (made if place in self.derived else printed)[place].alias(str(at))
                for at, place in enumerate(self.places)
            ]
        )

    def found(self, printed: pl.DataFrame) -> pl.DataFrame:
        """Rows of the target in `columns`, as it prints them, in the form of `expected`."""
        return printed.select(
            (
                pl.col(name).str.replace_all("-", "", literal=True)
                if place in self.uuids
                else pl.col(name)
            ).alias(str(at))
            for at, (name, place) in enumerate(zip(printed.columns, self.places, strict=True))
        )


def _is_plain(plan: EntityPlan) -> bool:
    """Whether every row is expected, and no rule has to ask the target."""
    entity = plan.entity
    asking = any(reference.lookup for reference in plan.references) or any(
        isinstance(derived.rule, Ref) and (derived.rule.sql or derived.rule.source is None)
        for derived in plan.derived
    )
    return not (entity.where or entity.expect or entity.joined or plan.faults or asking)


def _places(plan: EntityPlan) -> Mapping[str, str]:
    """The SQL of values that stand in the stage as they are going to stand in the target, and where."""
    names = [column.name for column in plan.staged] + [derived.name for derived in plan.derived]
    return {ident("s", name): name for name in names}
