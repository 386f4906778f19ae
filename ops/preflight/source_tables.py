"""Can every legacy table be captured: it exists, has a key, tells of its old rows, and hides none?"""

from collections.abc import Iterator

from ops.preflight.catalogs import SourceTable
from ops.preflight.findings import Finding, Side, error, in_entity, warning
from schemas import names
from schemas.complaints import did_you_mean
from schemas.entity import Entity
from schemas.migration import Migration
from schemas.rules import Constant, Json, Ref, Sql, Uuid
from schemas.table import ReplicaIdentity

_KINDS = {
    "v": ("a view", "Name the tables below it; what the view computes goes into rules."),
    "m": ("a materialized view", "Name the tables below it."),
    "f": ("a foreign table", "Migrate it from the server where it lives."),
}


def check(
    migration: Migration, tables: dict[str, SourceTable], known: list[str]
) -> Iterator[Finding]:
    """What keeps legacy tables from being captured.

    Args:
        migration: All entity files.
        tables: What exists, by entity.
        known: Every table of the source, for hints.
    """
    for name, entity in migration.entities.items():
        if name in tables:
            yield from _table(migration, entity, tables[name])
        else:
            what = (
                f"the source has no table {entity.source}{did_you_mean(str(entity.source), known)}"
            )
            remedy = "Correct the name, or create the table."
            yield error(
                Side.SOURCE,
                "source-table-missing",
                in_entity(migration, entity, "source"),
                what,
                remedy,
            )


def _table(migration: Migration, entity: Entity, found: SourceTable) -> Iterator[Finding]:
    kind = _KINDS.get(found.table.kind)
    if kind is not None:
        what = f"{entity.source} is {kind[0]}, which logical replication does not follow"
        yield error(
            Side.SOURCE, "source-kind", in_entity(migration, entity, "source"), what, kind[1]
        )
        return
    if found.table.kind == "p":
        what = (
            f"{entity.source} is partitioned: ATTACH and DETACH of partitions, and TRUNCATE of one, "
            "change rows without a word in the stream"
        )
        remedy = "Do none of them to a partition that holds rows while the migration runs."
        yield warning(
            Side.SOURCE, "source-partitioned", in_entity(migration, entity, "source"), what, remedy
        )
    yield from _access(migration, entity, found)
    yield from _key(migration, entity, found)
    yield from _columns(migration, entity, found)


def _access(migration: Migration, entity: Entity, found: SourceTable) -> Iterator[Finding]:
    place = in_entity(migration, entity, "source")
    label, facts = entity.source, found.facts
    if not facts.is_logged:
        what = f"{label} is unlogged or temporary: its changes are in no WAL"
        yield error(Side.SOURCE, "source-unlogged", place, what, "ALTER TABLE ... SET LOGGED.")
    if not facts.may_read:
        what = f"the role may not read {label}"
        remedy = f"GRANT SELECT ON {label} TO the role, and USAGE on its schema."
        yield error(Side.SOURCE, "source-unreadable", place, what, remedy)
    if not facts.may_publish:
        what = f"the role does not own {label}, and only an owner may publish a table"
        remedy = (
            f"Let the owner run CREATE PUBLICATION {names.publication(migration.pipeline.pipeline)} "
            "FOR TABLE ... WITH (publish_via_partition_root = true) with all tables of the entity files, "
            "or grant the owner's role."
        )
        yield error(Side.SOURCE, "source-unpublishable", place, what, remedy)
    if facts.hides_rows:
        what = f"row security would hide rows of {label} from the role"
        remedy = "ALTER ROLE ... BYPASSRLS, or connect as the table's owner."
        yield error(Side.SOURCE, "source-row-security", place, what, remedy)


def _key(migration: Migration, entity: Entity, found: SourceTable) -> Iterator[Finding]:
    place = in_entity(migration, entity, "key")
    key = entity.key or found.table.key
    label, identity = entity.source, found.table.identity
    if not found.table.key:
        what = f"{label} has no primary key"
        yield error(
            Side.SOURCE, "no-primary-key", place, what, "Add one: ALTER TABLE ... ADD PRIMARY KEY."
        )
        return
    if found.table.key_deferrable:
        what = f"the primary key of {label} is deferrable"
        remedy = "Drop the constraint and add it again without DEFERRABLE."
        yield error(Side.SOURCE, "key-deferrable", place, what, remedy)
        return
    if any(found.table.column(name) is None for name in key):
        return  # Said with the columns.
    if set(key) != set(found.table.key):
        what = f"the key is not the primary key of {label} ({', '.join(found.table.key)})"
        remedy = "Leave key out: a row is followed by its primary key."
        yield error(Side.SOURCE, "key-other", place, what, remedy)
        return
    columns = [found.table.column(name) for name in key]
    is_unique = any(sorted(key) == sorted(index) for index in found.facts.uniques)
    if not is_unique or not all(column and column.not_null for column in columns):
        what = f"two rows of {label} may have the same ({', '.join(key)}), or NULL in it"
        remedy = "Name the columns of a unique index over NOT NULL columns."
        yield error(Side.SOURCE, "key-not-unique", place, what, remedy)
    if identity is not ReplicaIdentity.FULL and not set(key) <= set(found.facts.identifying):
        what = f"the replica identity of {label} ({identity.name}) does not hold the key"
        remedy = f"ALTER TABLE {label} REPLICA IDENTITY FULL, or USING INDEX with the key's index."
        yield error(Side.SOURCE, "replica-identity", place, what, remedy)


def _columns(migration: Migration, entity: Entity, found: SourceTable) -> Iterator[Finding]:
    table = found.table
    known = [column.name for column in table.columns]
    for key, name in read_columns(entity):
        column = table.column(name)
        place = in_entity(migration, entity, key)
        if column is None:
            what = f"{entity.source} has no column {name}{did_you_mean(name, known)}"
            yield error(Side.SOURCE, "source-column-missing", place, what, "Correct the name.")
        elif column.generated:
            what = f"column {name} of {entity.source} is generated, and such columns are not replicated"
            remedy = "Compute it in an { sql = ... } rule from the columns that it is made of."
            yield error(Side.SOURCE, "source-column-generated", place, what, remedy)
        elif not entity.originals and _may_be_partial(found, name):
            what = (
                f"an update may leave out column {name} of {entity.source} (TOAST), "
                "and without originals nobody can add it"
            )
            remedy = f"Set originals = true, or ALTER TABLE {entity.source} REPLICA IDENTITY FULL."
            yield error(Side.CONFIG, "originals-needed", place, what, remedy)


def _may_be_partial(found: SourceTable, column: str) -> bool:
    is_full = found.table.identity is ReplicaIdentity.FULL
    return not is_full and column in found.facts.toastable


def read_columns(entity: Entity) -> Iterator[tuple[str, str]]:
    """Each legacy column that the file names, with the key that names it; those inside SQL are the target's to find."""
    yield from (("key", name) for name in entity.key)
    for target, rule in entity.columns.items():
        match rule:
            case Uuid() | Sql() | Constant():
                names: tuple[str, ...] = ()
            case Ref():
                names = rule.columns
            case Json():
                names = rule.json_columns
            case _:
                names = (rule.source,)
        yield from ((f"columns.{target}", name) for name in names)


def is_complete(entity: Entity, found: SourceTable) -> bool:
    """Whether there is a key, and every legacy column that the file names."""
    names = {name for _, name in read_columns(entity)}
    has_key = bool(entity.key or found.table.key)
    return has_key and all(found.table.column(name) is not None for name in names)
