"""From an entity file and two tables to a plan. Pure."""

import re
from collections.abc import Mapping

from consumers import statement
from consumers.catalog import TargetTable
from consumers.columns import Cell, file_of, legacy_column, value
from consumers.lookup import Found, compile_lookup
from consumers.overlay import FIRST, META
from consumers.plan import Child, Derived, EntityPlan, Reference, Surroundings, Written
from schemas.entity import Entity
from schemas.errors import ConfigError
from schemas.rules import Copy, Default, Json, Missing, Python, Ref, Sql, Timezone, Values
from schemas.table import Column, Table

PG_INPUT_IS_VALID_SINCE = 160_000
_OWN_NAMES = frozenset({*statement.META, *META, *FIRST, "__layer", "__image", "__deleted"})
_DERIVED = re.compile(r"__\d+")


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
    own = next((column.name for column in legacy.columns if _is_ours(column.name)), None)
    if own is not None:
        raise ConfigError(
            f"the column {own} of the legacy table has a name that understudy uses itself",
            file=file_of(entity),
            key="source",
            table=legacy.label,
            remedy="Rename the column.",
        )
    derived = _derived(entity, legacy)
    lookups = _lookups(entity, legacy, around, first=len(derived))
    written, faults = _written(entity, legacy, target, derived, around)
    return EntityPlan(
        entity=entity,
        legacy=legacy,
        target=target,
        key=key,
        namespace=around.namespace,
        staged=tuple(column for column in legacy.columns if _is_read(column.name, entity)),
        derived=(
            *derived.values(),
            *(found.derived for found in lookups.values() if found.derived),
        ),
        written=written,
        faults=faults,
        references=_references(entity, target, derived, around, lookups),
        children=() if entity.joined else _children(entity, target, around),
        joined_by=tuple(p.entity for p in around.parents.values() if p.joined == entity.name),
        is_shared=len(_owners(target.place, around)) > 1,
        spec_version=around.spec_version,
    )


def _is_ours(name: str) -> bool:
    """Whether a column of frames or of the stage has this name."""
    return name in _OWN_NAMES or _DERIVED.fullmatch(name) is not None


def _is_read(name: str, entity: Entity) -> bool:
    """Whether SQL reads a legacy column. A word too many that is found does no harm: the column is staged in vain."""
    expressions = [entity.where or "", *entity.expect.values()]
    for rule in entity.columns.values():
        match rule:
            case Copy() | Default() | Timezone():
                if rule.source == name:
                    return True
            case Sql():
                expressions.append(rule.sql)
            case Ref():
                expressions += [rule.sql or "", rule.when or ""]
                if rule.by and rule.source == name:
                    return True
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


def _lookups(entity: Entity, legacy: Table, around: Surroundings, first: int) -> dict[str, Found]:
    """What references look up, by target column; their derived columns are numbered from `first`."""
    found: dict[str, Found] = {}
    for column, rule in entity.refs.items():
        name = f"__{first + len(found)}"
        lookup = compile_lookup(entity, legacy, column, around.parents[rule.ref], name)
        if lookup is not None:
            found[column] = lookup
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
    """What is written into each target column, and when it cannot be: `<word>.<column>` and a condition."""
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
            faults.append((f"columns.{name}", conversion.fault))
        faults += [(f"{word}.{name}", condition) for word, condition in conversion.refused]
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
    entity: Entity,
    target: TargetTable,
    derived: Mapping[str, Derived],
    around: Surroundings,
    lookups: Mapping[str, Found],
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
                    lookup=lookups[column].lookup if column in lookups else None,
                )
            )
    return tuple(found)


def effective_missing(rule: Ref, column: str, target: TargetTable) -> Missing:
    """What a reference does without its parent: as the file says; else it waits for one that the target demands.

    One that is looked up is not known before it is there, and is waited for as well.
    """
    demanded = rule.by or any(column in key.columns for key in target.references)
    return rule.missing or (Missing.PARK if demanded else Missing.KEEP)


def _children(entity: Entity, target: TargetTable, around: Surroundings) -> tuple[Child, ...]:
    """Every column that holds back a delete: of foreign keys, and of references that are judged."""
    found = {(child.place, child.column, child.entity): child for child in around.children}
    for key in target.referenced_by:
        judged = key.judged(entity.id_column)
        if judged is None:
            continue
        for owner in _owners(key.table, around) or (None,):
            child = Child(place=key.table, column=judged[0], entity=owner, parent_column=judged[1])
            found.setdefault((child.place, child.column, child.entity), child)
    return tuple(found.values())


def _owners(place: tuple[str, str], around: Surroundings) -> list[str]:
    """The entities that have rows of their own in a table of the target."""
    return [p.entity for p in around.parents.values() if p.place == place and not p.joined]
