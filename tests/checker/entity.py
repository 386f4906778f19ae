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
    """One entity.

    Attributes:
        name: Stands before the legacy key in what is hashed; also both tables' name.
        key: Columns of the legacy primary key, in key order.
        references: By target column; the query in expected/ gives the parent's legacy key there.
        money: Target columns whose sum must be right to the cent.
        conversions: What the query leaves to Python, by target column.
    """

    name: str
    key: tuple[str, ...] = ("id",)
    references: dict[str, Reference] = field(default_factory=dict)
    money: tuple[str, ...] = ()
    conversions: dict[str, Conversion] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The legacy table as the mapping names it."""
        return f"public.{self.name}"


def reference(parent: str, missing: str) -> Reference:
    """A reference from its words."""
    return Reference(parent=parent, missing=Missing(missing))
