"""Old ids for applications and partners: a view an entity on the mapping, and who may read them and ask `id_of`.

A view has the legacy key in columns of their own types, and the UUID of each row that stands in the target. It reads
the partitioned mapping, not the entity's leaf, so a swap changes nothing for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from consumers.conversion import bounded
from consumers.plan import leaf
from ops import databases
from ops.controls import audit, require_control
from ops.databases import Connection
from ops.proof import source_rows
from ops.stack.state import Endpoints
from schemas.entity import CONTROL_SCHEMA, Entity
from schemas.errors import NotReadyError, TargetUnfitError
from schemas.migration import Migration
from schemas.table import Column, Table

APPLICATION = "ids"
_UUID = "target_id"
_VIEW = """
    CREATE OR REPLACE VIEW {view} AS SELECT {columns}, m.id AS {id}
    FROM understudy.migration_mappings m
    WHERE m.entity = {entity} AND m.generation = 1 AND m.state = 'l'"""
_KNOWN = "SELECT entity FROM understudy.entities WHERE generation = 1"
_INVALID = "SELECT NOT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(%s)"
_GRANTS = (
    "GRANT USAGE ON SCHEMA understudy TO {}",
    "GRANT EXECUTE ON FUNCTION understudy.id_of(text, text) TO {}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What was made for one entity.

    Attributes:
        key: Columns of the legacy key, as the view has them.
        indexed: Whether a row is found by them; where not, by `id_of`.
    """

    entity: str
    name: str
    key: tuple[str, ...]
    indexed: bool


def make(migration: Migration, at: Endpoints, roles: Sequence[str]) -> list[View]:
    """Make the views of all entities, or bring them up to date, and let roles read them; may be repeated.

    Args:
        migration: A pipeline that has been run.
        at: Where its servers are.
        roles: Of the target.

    Raises:
        NotReadyError: No worker knows the entities yet.
        TargetError: A role does not exist.
    """
    entities = list(migration.entities.values())
    with databases.source(at.source_dsn, APPLICATION) as source:
        tables = source_rows.tables(source, entities)
    with databases.target(at.target_dsn, APPLICATION) as target:
        require_control(target)
        known = {str(name) for (name,) in target.execute(_KNOWN).fetchall()}
        unknown = sorted(migration.entities.keys() - known)
        if unknown:
            names = ", ".join(unknown)
            raise NotReadyError(f"no worker knows {names} yet", remedy="understudy run")
        target.execute("SET statement_timeout = 0")  # An index reads the whole mapping.
        made = [_make(target, entity, tables[entity.name]) for entity in entities]
        _grant(target, [view.name for view in made], roles)
    return made


def _make(target: Connection, entity: Entity, table: Table) -> View:
    key = _key(entity, table)
    parts = _parts(key, sql.SQL("m.legacy_key"))
    names = [column.name for column in key]
    view = sql.Identifier(CONTROL_SCHEMA, view_of(entity.name))
    columns = zip(parts, names, strict=True)
    query = sql.SQL(_VIEW).format(
        view=view,
        columns=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(part, sql.Identifier(name)) for part, name in columns
        ),
        id=sql.Identifier(_UUID if _UUID not in names else f"{_UUID}_"),
        entity=sql.Literal(entity.name),
    )
    try:
        target.execute(query)
    except psycopg.errors.InvalidTableDefinition:  # The key has other columns than it had.
        target.execute(sql.SQL("DROP VIEW {}").format(view))
        target.execute(query)
    return View(
        entity=entity.name,
        name=view_of(entity.name),
        key=tuple(names),
        indexed=_is_text(key) or _index(target, entity.name, key),
    )


def view_of(entity: str) -> str:
    """Name of an entity's view."""
    return bounded(f"ids_{entity}")


def index_of(entity: str) -> str:
    """Name of the index that finds a row by the columns of the view."""
    return bounded(f"{leaf(entity)}_typed")


def _key(entity: Entity, table: Table) -> list[Column]:
    names = entity.key or table.key
    return [column for name in names if (column := table.column(name)) is not None]


def _is_text(key: Sequence[Column]) -> bool:
    """Whether the key is the text of the mapping itself, whose index finds it."""
    return len(key) == 1 and key[0].base == "text"


def _parts(key: Sequence[Column], legacy_key: sql.SQL) -> list[sql.Composable]:
    """The columns of a legacy key out of its text, each in its type."""
    if _is_text(key):
        return [legacy_key]
    if len(key) == 1:
        return [_cast(legacy_key, key[0])]
    part = sql.SQL("understudy.key_part({}, {})")
    return [
        _cast(part.format(legacy_key, sql.Literal(place)), column)
        for place, column in enumerate(key)
    ]


def _cast(part: sql.Composable, column: Column) -> sql.Composed:
    # The name of a built-in type, as the server itself writes it.
    return sql.SQL("CAST({} AS {})").format(part, sql.SQL(column.base))


def _index(target: Connection, entity: str, key: Sequence[Column]) -> bool:
    """Make the index, beside those who write.

    Returns:
        Whether it can be made: not of types whose text depends on settings, such as dates.
    """
    index = sql.Identifier(CONTROL_SCHEMA, index_of(entity))
    if target.execute(_INVALID, [index.as_string()]).fetchall() == [(True,)]:
        target.execute(sql.SQL("DROP INDEX {}").format(index))  # Whoever made it was interrupted.
    query = sql.SQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON {} ({})").format(
        sql.Identifier(index_of(entity)),
        sql.Identifier(CONTROL_SCHEMA, leaf(entity)),
        sql.SQL(", ").join(
            sql.SQL("({})").format(part) for part in _parts(key, sql.SQL("legacy_key"))
        ),
    )
    try:
        target.execute(query)
    except psycopg.errors.InvalidObjectDefinition:
        return False
    return True


def _grant(target: Connection, views: Sequence[str], roles: Sequence[str]) -> None:
    for role in roles:
        grantee = sql.Identifier(role)
        names = sql.SQL(", ").join(sql.Identifier(CONTROL_SCHEMA, name) for name in views)
        try:
            with target.transaction():
                for grant in _GRANTS:
                    target.execute(sql.SQL(grant).format(grantee))
                target.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(names, grantee))
                audit(target, "ids granted", role, {"views": len(views)})
        except psycopg.errors.UndefinedObject as error:
            raise TargetUnfitError(
                "the target has no such role", role=role, remedy="CREATE ROLE, or another --grant."
            ) from error
