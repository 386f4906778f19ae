"""Can references be resolved: keys of one type, UUID columns, and a `missing` that the target allows?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.catalog import ForeignKey, TargetTable
from consumers.compilation import effective_missing
from ops.preflight import types
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Place, Side, error, in_entity
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Missing, Ref
from schemas.table import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What exists on both sides, by entity."""

    source: Mapping[str, SourceTable]
    target: Mapping[str, TargetTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """One reference with all that is asked of it."""

    entity: Entity
    parent: Entity
    name: str
    rule: Ref
    column: Column
    place: Place
    missing: Missing
    foreign_key: ForeignKey | None


def check(migration: Migration, tables: Tables) -> Iterator[Finding]:
    """What is wrong with the references of all entities."""
    for reference in _references(migration, tables):
        yield from _column(reference)
        yield from _keys(reference, tables)
        yield from _missing(migration, reference, tables)


def _references(migration: Migration, tables: Tables) -> Iterator[_Reference]:
    for name, target in tables.target.items():
        entity = migration.entities[name]
        for column_name, rule in entity.refs.items():
            column = target.table.column(column_name)
            if column is None:
                continue  # Said with the columns.
            yield _Reference(
                entity=entity,
                parent=migration.entities[rule.ref],
                name=column_name,
                rule=rule,
                column=column,
                place=in_entity(migration, entity, f"columns.{column_name}"),
                missing=effective_missing(rule, column_name, target),
                foreign_key=next((k for k in target.references if column_name in k.columns), None),
            )


def _column(reference: _Reference) -> Iterator[Finding]:
    column, label = reference.column, reference.entity.target
    if column.type != "uuid":
        what = f"column {column.name} of {label} is {column.type}, and a reference is a UUID"
        remedy = f"ALTER TABLE {label} ALTER {column.name} TYPE uuid, or write another rule."
        yield error(Side.TARGET, "reference-not-a-uuid", reference.place, what, remedy)
    key, parent = reference.foreign_key, reference.parent
    if key and (key.parent, key.parent_columns) != (parent.target.place, (parent.id_column,)):
        there = ".".join((*key.parent, *key.parent_columns))
        what = (
            f"column {column.name} of {label} refers to {there}, "
            f"and entity {parent.name} is {parent.target}.{parent.id_column}"
        )
        remedy = "Name the entity of that table as `ref`, or correct the foreign key."
        yield error(Side.TARGET, "reference-elsewhere", reference.place, what, remedy)


def _keys(reference: _Reference, tables: Tables) -> Iterator[Finding]:
    source, parent = (
        tables.source.get(reference.entity.name),
        tables.source.get(reference.parent.name),
    )
    if source is None or parent is None or not reference.rule.columns:
        return
    child_types = _types(source, reference.rule.columns)
    parent_key = reference.parent.key or parent.table.key
    parent_types = _types(parent, parent_key)
    if None in (*child_types, *parent_types):
        return  # Said with the columns.
    place = reference.place
    if len(child_types) != len(parent_types):
        what = (
            f"the key of {reference.parent.name} is ({', '.join(parent_key)}), "
            f"and the reference names {len(child_types)} columns"
        )
        remedy = "Name as many columns, in the order of that key."
        yield error(Side.CONFIG, "reference-key-length", place, what, remedy)
        return
    for name, child, other in zip(reference.rule.columns, child_types, parent_types, strict=True):
        if not types.meet(str(child), str(other)):
            what = (
                f"{name} is {child} and the key of {reference.parent.name} is {other}: "
                "their texts do not meet"
            )
            remedy = "Name the column that holds that key, or bring it there with `sql` in place of `from`."
            yield error(Side.CONFIG, "reference-type", place, what, remedy)


def _types(table: SourceTable, columns: tuple[str, ...]) -> list[str | None]:
    found = [table.table.column(name) for name in columns]
    return [column.base if column else None for column in found]


def _missing(migration: Migration, reference: _Reference, tables: Tables) -> Iterator[Finding]:
    column, label = reference.column, reference.entity.target
    if reference.missing is Missing.NULL and column.not_null:
        what = f'missing = "null" and column {column.name} of {label} is NOT NULL'
        remedy = 'Write missing = "park", or let the column be NULL.'
        yield error(Side.TARGET, "null-refused", reference.place, what, remedy)
    if reference.missing is Missing.KEEP and reference.foreign_key:
        what = (
            f'missing = "keep" and {reference.foreign_key.name} of {label} wants the parent there'
        )
        remedy = 'Write missing = "park" or "null", or drop the foreign key.'
        yield error(Side.TARGET, "keep-refused", reference.place, what, remedy)
    if reference.missing is Missing.STUB:
        yield from _stub(reference, tables.target.get(reference.parent.name))
    is_ring = reference.parent.name in migration.group_of(reference.entity.name)
    key = reference.foreign_key
    if is_ring and key and column.not_null and not key.deferrable:
        what = (
            f"{label} and {reference.parent.target} refer to each other, "
            f"and {key.name} is NOT NULL and not deferrable"
        )
        remedy = f"ALTER TABLE {label} ALTER CONSTRAINT {key.name} DEFERRABLE."
        yield error(Side.TARGET, "ring-not-deferrable", reference.place, what, remedy)


def _stub(reference: _Reference, parent: TargetTable | None) -> Iterator[Finding]:
    if parent is None:
        return
    needed = [
        column.name
        for column in parent.table.columns
        if column.not_null and not column.has_default and column.name != reference.parent.id_column
    ]
    if needed:
        what = f"a stub of {reference.parent.target} would lack {', '.join(needed)}"
        remedy = 'Write missing = "park", or give those columns defaults.'
        yield error(Side.TARGET, "stub-impossible", reference.place, what, remedy)
