"""Do the rules of an entity and the columns of its target table belong together? From the catalogs alone."""

from collections.abc import Iterator

from consumers.catalog import TargetTable
from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Side, error, in_entity, warning
from schemas.complaints import did_you_mean
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Copy, Python, Ref, Timezone, Values
from schemas.table import Column


def check(migration: Migration, entity: Entity, target: TargetTable) -> Iterator[Finding]:
    """What is wrong between rules and target columns."""
    table = target.table
    known = [column.name for column in table.columns]
    for name in entity.columns:
        column = table.column(name)
        place = in_entity(migration, entity, f"columns.{name}")
        if column is None:
            what = f"{entity.target} has no column {name}{did_you_mean(name, known)}"
            remedy = "Correct the name, add the column, or take the rule out."
            yield error(Side.TARGET, "target-column-missing", place, what, remedy)
        elif column.generated:
            what = f"column {name} of {entity.target} is generated"
            remedy = "Take the rule out: the target computes it."
            yield error(Side.TARGET, "target-column-generated", place, what, remedy)
    yield from _identity(migration, entity, target)
    yield from _uncovered(migration, entity, table.columns)
    if entity.joined:
        yield from _unique(migration, entity, target)


def _identity(migration: Migration, entity: Entity, target: TargetTable) -> Iterator[Finding]:
    name = entity.id_column
    column = target.table.column(name)
    place = in_entity(migration, entity, f"columns.{name}")
    if column is None:
        return
    if column.type != "uuid":
        what = f"column {name} of {entity.target} is {column.type}"
        remedy = "Make it uuid, or put { uuid = true } on the column that is."
        yield error(Side.TARGET, "not-a-uuid", place, what, remedy)
    if not any(
        key.columns == (name,) and key.plain and not key.deferrable for key in target.uniques
    ):
        what = f"column {name} of {entity.target} is neither its primary key nor unique"
        remedy = f"ALTER TABLE {entity.target} ADD PRIMARY KEY ({name})."
        yield error(Side.TARGET, "uuid-not-unique", place, what, remedy)


def _unique(migration: Migration, entity: Entity, target: TargetTable) -> Iterator[Finding]:
    """A unique value would have to move between rows that two entities write."""
    for key in target.secondary(entity.id_column):
        written = [name for name in key.columns if name in entity.columns]
        if written:
            what = f"{key.name} of {entity.target} wants unique values, and what joins rows cannot keep them so"
            remedy = f"Let {entity.joined} write the column, or drop the unique key."
            place = in_entity(migration, entity, f"columns.{written[0]}")
            yield error(Side.TARGET, "join-unique", place, what, remedy)


def _uncovered(
    migration: Migration, entity: Entity, columns: tuple[Column, ...]
) -> Iterator[Finding]:
    for column in columns:
        is_free = column.has_default or column.generated or not column.not_null
        is_written = column.name in entity.columns
        if entity.joined and is_written and not is_free and column.name != entity.id_column:
            what = (
                f"column {column.name} of {entity.target} is NOT NULL and has no default, "
                f"and a row of {entity.joined} is there before what joins it"
            )
            remedy = "Give the column a default, or let it be NULL."
            place = in_entity(migration, entity, f"columns.{column.name}")
            yield error(Side.TARGET, "join-needs-default", place, what, remedy)
        elif not (entity.joined or is_free or is_written):
            what = f"column {column.name} of {entity.target} is NOT NULL, has no default, and no rule writes it"
            remedy = f"Write a rule for {column.name}, or give the column a default."
            yield error(
                Side.TARGET,
                "column-needs-rule",
                in_entity(migration, entity, "columns"),
                what,
                remedy,
            )


def nullable(
    migration: Migration, entity: Entity, source: SourceTable, target: TargetTable
) -> Iterator[Finding]:
    """Rules that pass NULL on to a column that refuses it."""
    for name, rule in entity.columns.items():
        column = target.table.column(name)
        match rule:
            case Copy() | Values() | Timezone() | Python():
                read: tuple[str, ...] = (rule.source,)
            case Ref():
                read = rule.columns
            case _:
                read = ()
        origins = [origin for one in read if (origin := source.table.column(one)) is not None]
        if column and column.not_null and any(not origin.not_null for origin in origins):
            place = in_entity(migration, entity, f"columns.{name}")
            what = (
                f"{' and '.join(read)} may be NULL and column {name} of {entity.target} is NOT NULL: "
                "such rows become dead letters"
            )
            remedy = "Write a default, an { sql = ... } rule, or a `where` that leaves them out."
            yield warning(Side.TARGET, "null-into-not-null", place, what, remedy)
