"""Expected rows as texts, without asking the target: of entities whose rules copy, refer, or are computed in columns.

Where a rule is SQL, a value has another type on the target, or a row may be excluded or refused, only PostgreSQL knows
what the target should have: of such entities nothing is known here, and the stage is asked (expectation.py).
Two values are the same here where PostgreSQL prints them the same, under the settings of schemas.session: these are
chosen so that what is printed says all that there is (1.0 is not 1.00, and a float has all its digits).
"""

from dataclasses import dataclass

import polars as pl

from consumers import compare_sql
from consumers.conversion import is_alike
from consumers.plan import EntityPlan
from consumers.stage import Stage
from schemas.rules import Copy, Ref
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
        columns, places = [plan.target.table.column(plan.entity.id_column)], [ID]
        for written in compare_sql.compared(plan):
            column = plan.target.table.column(written.column)
            place = column and _place(plan, column)
            if not place:
                return None
            columns.append(column)
            places.append(place)
        references = {made.name for made in plan.derived if isinstance(made.rule, Ref)}
        return cls(
            stage=stage,
            columns=tuple(column for column in columns if column is not None),
            places=tuple(places),
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


def _place(plan: EntityPlan, column: Column) -> str | None:
    """Where the text of a target column stands before anything is staged; None: nowhere."""
    rule = plan.entity.columns[column.name]
    if isinstance(rule, Copy):
        legacy = plan.legacy.column(rule.source)
        return rule.source if legacy and is_alike(legacy.base, column.type) else None
    made = next((made for made in plan.derived if made.column == column.name), None)
    return made.name if made and made.type == column.type else None
