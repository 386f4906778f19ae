"""Gates on the target itself: constraints are validated, triggers fire, and no row refers to nothing."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from psycopg import sql

from consumers.catalog import ForeignKey, TargetTable
from consumers.compilation import effective_missing
from ops.amounts import how_many
from ops.cutover.gate import Gate
from ops.databases import Connection
from ops.preflight import catalogs
from schemas.migration import Migration
from schemas.rules import Missing

_TARGET_STATE = files("ops.cutover").joinpath("target_state.sql").read_bytes()
_ORPHANS = sql.SQL(
    "SELECT count(*) FROM {child} c WHERE {given} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})"
)


def look(target: Connection, migration: Migration) -> list[Gate]:
    """The gates of this module.

    Args:
        target: Its statement_timeout is off: orphans are counted over whole tables.
        migration: All its entities.
    """
    return [*_switched_off(target, migration), orphans(target, migration)]


def _switched_off(target: Connection, migration: Migration) -> Iterator[Gate]:
    tables = [entity.target.place for entity in migration.entities.values()]
    rows = target.execute(_TARGET_STATE, catalogs.places(tables)).fetchall()
    for kind, says, remedy in (
        ("constraint", "were never validated", "ALTER TABLE ... VALIDATE CONSTRAINT ... on the target."),
        ("trigger", "do not fire", "ALTER TABLE ... ENABLE TRIGGER ... on the target."),
    ):  # fmt: skip
        found = [f"{name} of {table}" for what, name, table in rows if what == kind]
        yield Gate(
            name=f"{kind}s",
            met=not found,
            says=f"{len(found)} {says}: {', '.join(found)}" if found else "none that is off",
            remedy=remedy,
            count=len(found),
            evidence={"found": found},
        )


def orphans(target: Connection, migration: Migration) -> Gate:
    """Whether every foreign key of the target tables of a migration's entities points to a row."""
    tables = catalogs.target_tables(target, migration)
    keys = {key.name + str(key.table): key for t in tables.values() for key in t.references}
    orphaned = {_label(key): count_orphans(target, key) for key in keys.values()}
    found = {label: count for label, count in orphaned.items() if count}
    rows, kept = sum(found.values()), _kept(migration, tables)
    refer = how_many(rows, "row refers", "rows refer")
    says = f"{refer} to nothing: {', '.join(found)}" if rows else "none"
    unasked = f"; not asked of {how_many(len(kept), 'reference')} by missing = keep" if kept else ""
    return Gate(
        name="orphans",
        met=not rows,
        says=f"{says}, by {how_many(len(orphaned), 'foreign key')}{unasked}",
        remedy="Mend the rows, then VALIDATE the constraint: one that was loaded under replica only looks valid.",
        count=rows,
        evidence={"foreign_keys": len(orphaned), "found": found, "kept": kept},
    )


def _kept(migration: Migration, tables: Mapping[str, TargetTable]) -> list[str]:
    """The references whose rule lets them point to nothing: no foreign key says that they do not."""
    return [
        f"{table.table.label}.{column}"
        for name, table in tables.items()
        for column, rule in migration.entities[name].refs.items()
        if effective_missing(rule, column, table) is Missing.KEEP
    ]


def _label(key: ForeignKey) -> str:
    return f"{key.name} of {'.'.join(key.table)}"


def count_orphans(target: Connection, key: ForeignKey) -> int:
    """How many rows refer to nothing by a foreign key, or by one that there will be."""
    pairs: Sequence[tuple[str, str]] = list(zip(key.columns, key.parent_columns, strict=True))
    query = _ORPHANS.format(
        child=sql.Identifier(*key.table),
        parent=sql.Identifier(*key.parent),
        given=sql.SQL(" AND ").join(
            sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(column)) for column in key.columns
        ),
        same=sql.SQL(" AND ").join(
            sql.SQL("p.{} = c.{}").format(sql.Identifier(theirs), sql.Identifier(ours))
            for ours, theirs in pairs
        ),
    )
    return int(str(target.execute(query).fetchall()[0][0]))
