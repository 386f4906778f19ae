"""What an entity file means for a legacy table and a target table: the plan of an entity, compiled once.

Pure. Which legacy columns are staged, which are derived in columns before staging, which SQL yields each target column,
and what has to be judged before rows may go in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from consumers.catalog import ForeignKey, TargetTable, UniqueKey
from consumers.columns import Cell, file_of, legacy_column, value
from consumers.conversion import bounded, ident, literal
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.rules import (
    AnyRule,
    Copy,
    Default,
    Json,
    Missing,
    Python,
    Ref,
    Sql,
    Timezone,
    Values,
)
from schemas.table import Column, Table

PG_INPUT_IS_VALID_SINCE = 160_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What an entity that is referred to looks like on the target."""

    entity: str
    place: tuple[str, str]
    id_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What compiling needs beside the entity itself.

    Attributes:
        namespace: Of the pipeline.
        parents: Every entity of the migration, by name.
        children: Who refers to this entity with a `missing` other than keep: entity, table and column.
        server_version: Of the target, as libpq gives it (180001).
    """

    namespace: UUID
    parents: Mapping[str, Parent]
    children: tuple["Child", ...] = ()
    server_version: int = PG_INPUT_IS_VALID_SINCE


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A target column and the SQL over the stage (alias s) that yields it."""

    column: str
    value: str
    updatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference that is judged: who is missing waits, or goes without."""

    column: str
    staged: str
    parent: Parent
    missing: Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPlan:
    """All that applying one entity needs."""

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

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.entity.name

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
        return ident("understudy", leaf(self.name))


def leaf(entity: str) -> str:
    """Name of an entity's part of migration_mappings."""
    return bounded(f"migration_mappings_{entity}")


def compile_plan(
    entity: Entity, legacy: Table, target: TargetTable, around: Surroundings
) -> EntityPlan:
    """Compile an entity.

    Raises:
        ConfigError: A rule names a column that is not there; names file, key and remedy.
    """
    key = tuple(legacy_column(entity, legacy, name, "key") for name in entity.key or legacy.key)
    if not key:
        raise ConfigError(
            "the legacy table has no primary key",
            file=file_of(entity),
            key="key",
            table=legacy.label,
            remedy='Name the key: key = ["..."].',
        )
    derived = _derived(entity, legacy)
    written, faults = _written(entity, legacy, target, derived, around)
    return EntityPlan(
        entity=entity,
        legacy=legacy,
        target=target,
        key=key,
        namespace=around.namespace,
        staged=tuple(column for column in legacy.columns if _is_read(column.name, entity)),
        derived=tuple(derived.values()),
        written=written,
        faults=faults,
        references=_references(entity, target, derived, around),
        children=_children(entity, target, around),
    )


def _is_read(name: str, entity: Entity) -> bool:
    """Whether SQL reads a legacy column. A word too many that is found does no harm: the column is staged in vain."""
    expressions = [entity.where or "", *entity.expect.values()]
    for rule in entity.columns.values():
        match rule:
            case Copy() | Default() | Timezone():
                if rule.source == name:
                    return True
            case Sql() | Ref():
                expressions.append(rule.sql or "")
            case _:
                pass
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return any(word.search(expression.replace('""', '"')) for expression in expressions)


def _derived(entity: Entity, legacy: Table) -> dict[str, Derived]:
    """The columns computed before staging, by target column, named `__0`, `__1`, ..."""
    found: dict[str, Derived] = {}
    for column, rule in entity.columns.items():
        if isinstance(rule, Ref | Values | Json | Python):
            for name in _read_by(rule):
                legacy_column(entity, legacy, name, f"columns.{column}")
            kind = "uuid" if isinstance(rule, Ref) else "text"
            found[column] = Derived(name=f"__{len(found)}", type=kind, column=column, rule=rule)
    return found


def _read_by(rule: Ref | Values | Json | Python) -> tuple[str, ...]:
    match rule:
        case Ref():
            return rule.columns
        case Json():
            return rule.json_columns
        case _:
            return (rule.source,)


def _written(
    entity: Entity,
    legacy: Table,
    target: TargetTable,
    derived: Mapping[str, Derived],
    around: Surroundings,
) -> tuple[tuple[Written, ...], tuple[tuple[str, str], ...]]:
    """What is written into each target column, and the conditions under which it cannot be, by column."""
    written, faults = [], []
    for name, rule in entity.columns.items():
        cell = Cell(
            entity=entity,
            legacy=legacy,
            column=_target_column(entity, target, name),
            staged=derived[name].name if name in derived else None,
            can_ask=around.server_version >= PG_INPUT_IS_VALID_SINCE,
        )
        conversion = value(rule, cell)
        updatable = not (cell.column.identity or name == entity.id_column)
        written.append(Written(column=name, value=conversion.value, updatable=updatable))
        if conversion.fault:
            faults.append((name, conversion.fault))
        if isinstance(rule, Values) and rule.otherwise == "dead-letter":
            faults.append((name, f's."__fault" = {literal(name)}'))
    return tuple(written), tuple(faults)


def _target_column(entity: Entity, target: TargetTable, name: str) -> Column:
    column = target.table.column(name)
    if column is None:
        raise ConfigError(
            f"the target table has no column {name}",
            file=file_of(entity),
            key=f"columns.{name}",
            table=target.table.label,
            remedy="Add the column, or take the rule out.",
        )
    return column


def _references(
    entity: Entity, target: TargetTable, derived: Mapping[str, Derived], around: Surroundings
) -> tuple[Reference, ...]:
    found = []
    for column, rule in entity.refs.items():
        missing = effective_missing(rule, column, target)
        if missing is Missing.NULL and not entity.originals:
            raise ConfigError(
                "a reference that is written as NULL is filled later from the original row",
                file=file_of(entity),
                key=f"columns.{column}.missing",
                remedy="Set originals = true, or write another `missing`.",
            )
        if missing is not Missing.KEEP:
            found.append(
                Reference(
                    column=column,
                    staged=derived[column].name,
                    parent=around.parents[rule.ref],
                    missing=missing,
                )
            )
    return tuple(found)


def effective_missing(rule: Ref, column: str, target: TargetTable) -> Missing:
    """What a reference does without its parent: as the file says; else park under a foreign key, keep without one."""
    constrained = any(column in key.columns for key in target.references)
    return rule.missing or (Missing.PARK if constrained else Missing.KEEP)


def _children(entity: Entity, target: TargetTable, around: Surroundings) -> tuple[Child, ...]:
    """Every column that holds back a delete: of foreign keys, and of references that are judged."""
    owners = {(child.place, child.column): child for child in around.children}
    for key in target.referenced_by:
        pairs = dict(zip(key.parent_columns, key.columns, strict=True))
        parent_column = entity.id_column if entity.id_column in pairs else key.parent_columns[0]
        if parent_column == entity.id_column or len(pairs) == 1:
            child = Child(
                place=key.table,
                column=pairs[parent_column],
                entity=_owner(key.table, around),
                parent_column=parent_column,
            )
            owners.setdefault((child.place, child.column), child)
    return tuple(owners.values())


def _owner(place: tuple[str, str], around: Surroundings) -> str | None:
    return next(
        (parent.entity for parent in around.parents.values() if parent.place == place), None
    )
