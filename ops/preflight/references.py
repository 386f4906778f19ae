"""Can references be resolved: keys of one type, UUID columns, and a `missing` that the target allows?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.catalog import ForeignKey, TargetTable
from consumers.compilation import effective_missing
from ops.preflight import types
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Place, Side, error, in_entity, warning
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Missing, Ref
from schemas.table import Column

# Every row has the alternative key: then the parent's own is never meant.
ALWAYS = "true"
_WAITING = (Missing.PARK, Missing.DEAD_LETTER)


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
    references = list(_references(migration, tables))
    for reference in references:
        yield from _column(reference)
        yield from _keys(reference, tables)
        yield from _missing(reference, tables)
        yield from _alternative(reference, tables)
    yield from _rings(references)


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
    if source is None or parent is None or reference.rule.when == ALWAYS:
        return
    if not reference.rule.columns:
        yield from _computed(reference, parent)
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


def _computed(reference: _Reference, parent: SourceTable) -> Iterator[Finding]:
    """A key by `sql` is taken as it is; whoever writes it has to bring it to the form in which the parent's is kept."""
    for name in parent.table.key:
        (base,) = _types(parent, (name,))
        if base is not None and base.startswith(("numeric", "character(")):
            what = f"the key {name} of {reference.parent.name} is {base}, kept without zeros or blanks at its end"
            remedy = (
                "Let `sql` end so too: trim_scale(...)::text for numeric, rtrim(...) for character."
            )
            yield warning(Side.CONFIG, "reference-form", reference.place, what, remedy)


def _alternative(reference: _Reference, tables: Tables) -> Iterator[Finding]:
    """Two parents must not be found by one alternative key, and looking for one must not read the whole table."""
    parent = tables.target.get(reference.parent.name)
    by = reference.rule.by
    if parent is None or by is None:
        return
    if not any(key.columns == (by,) and key.plain for key in parent.uniques):
        what = f"{reference.parent.target} may have several rows with the same {by}"
        remedy = f"ALTER TABLE {reference.parent.target} ADD UNIQUE ({by})."
        yield error(Side.TARGET, "lookup-not-unique", reference.place, what, remedy)


def _types(table: SourceTable, columns: tuple[str, ...]) -> list[str | None]:
    found = [table.table.column(name) for name in columns]
    return [column.base if column else None for column in found]


def _missing(reference: _Reference, tables: Tables) -> Iterator[Finding]:
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


def _rings(references: list[_Reference]) -> Iterator[Finding]:
    """Entities whose rows wait for each other; each is applied in a transaction of its own, so none comes first.

    Rows of one table that wait for each other are applied together.
    """
    waiting = [r for r in references if r.missing in _WAITING and r.parent is not r.entity]
    bound = [r for r in waiting if r.column.not_null]
    for reference in waiting:
        label, name = reference.entity.target, reference.column.name
        if reference.column.not_null and _is_ring(reference, bound):
            what = (
                f"rows of {label} and {reference.parent.target} need each other: none can be first"
            )
            remedy = f'ALTER TABLE {label} ALTER {name} DROP NOT NULL, and write missing = "null".'
            yield error(Side.TARGET, "ring-waits", reference.place, what, remedy)
        elif not reference.column.not_null and _is_ring(reference, waiting):
            what = f"rows of {label} and {reference.parent.target} that refer to each other wait for ever"
            remedy = 'Write missing = "null": the reference is filled in when its parent is there.'
            yield warning(Side.TARGET, "ring-may-wait", reference.place, what, remedy)


def _is_ring(reference: _Reference, others: list[_Reference]) -> bool:
    """Whether the parent refers back, directly or through others."""
    reached = {reference.parent.name}
    while more := {r.parent.name for r in others if r.entity.name in reached} - reached:
        reached |= more
    return reference.entity.name in reached


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
