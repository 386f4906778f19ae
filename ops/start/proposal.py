"""What is proposed for one legacy table, before it is written down."""

from dataclasses import dataclass, field

from ops.start.legacy import Place
from schemas.rules import Missing

Toml = str | int | bool | list["Toml"] | dict[str, "Toml"]


@dataclass(slots=True, kw_only=True)
class Proposed:
    """A column of the target with its rule; a ring of references may still loosen it.

    Attributes:
        rule: As the entity file has it.
        type: As the DDL has it.
        entity: That it refers to.
        missing: What becomes of a row whose parent is absent; None: it refers to nothing, or the rule leaves it open.
        notes: Comments, a line each.
    """

    name: str
    rule: Toml
    type: str
    not_null: bool = False
    entity: str | None = None
    missing: Missing | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def has_foreign_key(self) -> bool:
        """Whether the target may demand that the parent is there."""
        return self.entity is not None and self.missing is not Missing.KEEP

    @property
    def written(self) -> Toml:
        """The rule with its `missing`."""
        if isinstance(self.rule, dict) and self.missing:
            return {**self.rule, "missing": self.missing.value}
        return self.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A unique key of the proposed table."""

    columns: tuple[str, ...]
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One entity.

    Attributes:
        id_column: The UUID.
        is_new: Whether the target table is proposed too, and not there already.
        notes: What is to be known of the table.
        left_out: Legacy columns that no rule reads, each with the reason.
        open_columns: Columns of an existing target that nothing writes.
        uniques: Of a proposed table.
    """

    name: str
    source: Place
    target: Place
    columns: list[Proposed]
    id_column: str = "id"
    is_new: bool = True
    topic: str | None = None
    notes: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    open_columns: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()
