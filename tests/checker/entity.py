"""What the checker knows of an entity."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

Conversion = Callable[[str | None], str | None]


class Missing(Enum):
    """What a row does whose parent is not there."""

    PARK = "park"
    NULL = "null"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A target column that names a row of another entity."""

    parent: str
    missing: Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity; most need nothing but a name and references.

    Entities that share a target table each have a query of their own in expected/. With rows of their own (a union),
    each query speaks of all columns of the table. One that joins has no rows: its query ends with `id`, the legacy key
    of the row that it joins, and its columns stand in the query of the entity whose row that is.

    Attributes:
        name: Stands before the legacy key in what is hashed.
        key: Columns of the legacy primary key, in key order.
        references: By target column; the query in expected/ gives the parent's legacy key there.
        money: Target columns whose sum must be right to the cent.
        conversions: What the query leaves to Python, by target column.
        legacy_table: Where it is not the name.
        target_table: Where it is not the name.
        joins: Adds columns to the rows of the entity to which its reference `id` points.
        unique_by: A column of the query (of no table) for a unique key that the legacy side did not have: of rows
            with the same text there only one may go in, the others wait. Which one is the target's choice.
    """

    name: str
    key: tuple[str, ...] = ("id",)
    references: dict[str, Reference] = field(default_factory=dict)
    money: tuple[str, ...] = ()
    conversions: dict[str, Conversion] = field(default_factory=dict)
    legacy_table: str = ""
    target_table: str = ""
    joins: bool = False
    unique_by: str = ""

    @property
    def source(self) -> str:
        """The legacy table as the mapping names it."""
        return f"public.{self.legacy_table or self.name}"

    @property
    def target(self) -> str:
        """The target table in the schema clinic."""
        return self.target_table or self.name


def reference(parent: str, missing: str) -> Reference:
    """A reference from its words."""
    return Reference(parent=parent, missing=Missing(missing))
