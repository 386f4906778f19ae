"""The plan of an entity: what an entity file means for a legacy table and a target table, compiled once.

Which legacy columns are staged, which are derived in columns before staging, which SQL yields each target column, and
what has to be judged before rows may go in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from consumers.catalog import ForeignKey, TargetTable, UniqueKey
from consumers.conversion import bounded, ident, literal
from schemas.entity import Entity
from schemas.rules import AnyRule, Json, Missing, Python, Ref, Values
from schemas.table import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What an entity that is referred to looks like on the target.

    Attributes:
        joined: The entity whose rows it adds columns to; None where it has rows of its own.
        rules: Of its columns.
    """

    entity: str
    place: tuple[str, str]
    id_column: str
    joined: str | None = None
    rules: Mapping[str, AnyRule] = field(default_factory=dict)

    @classmethod
    def of(cls, entity: Entity) -> "Parent":
        """What an entity file says of itself."""
        return cls(
            entity=entity.name,
            place=entity.target.place,
            id_column=entity.id_column,
            joined=entity.joined,
            rules=entity.columns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What compiling needs beside the entity itself.

    Attributes:
        namespace: Of the pipeline.
        parents: Every entity of the migration, by name.
        children: Who refers to this entity with a `missing` other than keep: entity, table and column.
        server_version: Of the target, as libpq gives it (180001).
        spec_version: Of the entity's rules, as `control.register` counts them; 1 where another worker registers it.
    """

    namespace: UUID
    parents: Mapping[str, Parent]
    children: tuple["Child", ...] = ()
    server_version: int
    spec_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A column of the target that refers to an entity.

    Attributes:
        entity: None where no entity file writes that table.
        parent_column: Which column it refers to; None: the UUID.
    """

    place: tuple[str, str]
    column: str
    entity: str | None = None
    parent_column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A staged column that is computed in columns before staging."""

    name: str
    type: str
    column: str
    rule: AnyRule

    @property
    def reads(self) -> tuple[str, ...]:
        """The legacy columns that it is computed from."""
        match self.rule:
            case Ref() as rule:
                return rule.columns
            case Json() as rule:
                return rule.json_columns
            case Values(source=source) | Python(source=source):
                return (source,)
            case _:
                return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A target column and the SQL over the stage (alias s) that yields it."""

    column: str
    value: str
    updatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The alternative key of a parent.

    Attributes:
        by: The parent's target column.
        when: SQL over the legacy row: whether it has that key.
        value: SQL over the stage (alias s): what stands in that column.
    """

    by: str
    when: str
    value: str

    @property
    def concerned(self) -> str:
        """The condition under which a row of the stage has that key."""
        return f"{self.value} IS NOT NULL AND (\n{self.when}\n) IS TRUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference that is judged: who is missing waits, or goes without."""

    column: str
    staged: str
    parent: Parent
    missing: Missing
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPlan:
    """All that applying one entity needs.

    Attributes:
        joined_by: Entities that add columns to the rows of this one.
        is_shared: Whether another entity has rows of its own in the same table.
    """

    entity: Entity
    legacy: Table
    target: TargetTable
    key: tuple[Column, ...]
    namespace: UUID
    staged: tuple[Column, ...]
    derived: tuple[Derived, ...]
    written: tuple[Written, ...]
    faults: tuple[tuple[str, str], ...]
    references: tuple[Reference, ...]
    children: tuple[Child, ...]
    joined_by: tuple[str, ...]
    is_shared: bool
    spec_version: int

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.entity.name

    @property
    def read(self) -> frozenset[str]:
        """The legacy columns that the rules read."""
        derived = {name for derived in self.derived for name in derived.reads}
        return frozenset(derived | {column.name for column in self.staged})

    @property
    def uniques(self) -> tuple[UniqueKey, ...]:
        """The unique keys beside the UUID that can be judged in sets: on columns alone, and rules write all of them."""
        written = {written.column for written in self.written}
        keys = self.target.secondary(self.entity.id_column)
        return tuple(key for key in keys if key.plain and written.issuperset(key.columns))

    @property
    def has_secondary(self) -> bool:
        """Whether an upsert by ON CONFLICT (id) could meet another unique key."""
        return bool(self.target.secondary(self.entity.id_column))

    @property
    def defers(self) -> bool:
        """Whether some constraint of the target is deferrable."""
        keys: tuple[UniqueKey | ForeignKey, ...] = (
            *self.target.uniques,
            *self.target.references,
            *self.target.referenced_by,
        )
        return any(key.deferrable for key in keys)

    @property
    def refers_to_itself(self) -> bool:
        """Whether a row may refer to another row of this entity."""
        return any(reference.parent.entity == self.name for reference in self.references)

    @property
    def rows_compete(self) -> bool:
        """Whether setting one row aside may decide about another of the same batch."""
        return self.has_secondary or self.refers_to_itself or self.entity.joined is not None

    @property
    def stage(self) -> str:
        """Name of the temporary staging table, quoted."""
        return ident("pg_temp", bounded(f"stage_{self.name}"))

    @property
    def table(self) -> str:
        """Name of the target table, quoted."""
        return ident(*self.target.place)

    @property
    def id(self) -> str:
        """The target's UUID column, quoted."""
        return ident(self.entity.id_column)

    @property
    def source(self) -> str:
        """The legacy table, as an SQL literal."""
        return literal(str(self.entity.source))

    @property
    def mapping(self) -> str:
        """The leaf of the mapping table, quoted."""
        return ident(*mapping_of(self.entity))


def mapping_of(entity: Entity) -> tuple[str, str]:
    """Schema and name of an entity's part of migration_mappings."""
    return entity.mapping_schema, leaf(entity.name)


def leaf(entity: str) -> str:
    """Name of an entity's part of migration_mappings."""
    return bounded(f"migration_mappings_{entity}")
