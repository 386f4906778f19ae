"""The tables of a shadow: like the live ones, empty, in a schema of their own."""

from collections.abc import Sequence
from importlib.resources import files

from psycopg import sql

from consumers import control
from consumers.plan import mapping_of
from consumers.specification import spec_hash
from ops import ids
from ops.controls import audit
from ops.databases import Connection
from ops.replay.shadow import Shadow
from schemas.entity import CONTROL_SCHEMA, Entity
from schemas.errors import ConflictError
from schemas.migration import Migration

_BEGIN = "INSERT INTO understudy.rebuilds (shadow, entities) VALUES (%s, %s)"
_MAPPINGS = sql.SQL("""
    CREATE TABLE {}.migration_mappings (LIKE understudy.migration_mappings INCLUDING ALL) PARTITION BY LIST (entity)""")
_LIKE = sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)")
# Attaching the leaf to the live mappings then needs no look at its rows.
_CHECKED = sql.SQL("ALTER TABLE {} ADD CONSTRAINT understudy_entity CHECK (entity = {})")
_REST = files("ops.replay").joinpath("shadow_tables.sql").read_bytes()
_OIDS = """
    SELECT c.oid::bigint FROM unnest(%s::text[], %s::text[]) AS t (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.name"""
# Rules of a rebuild are newer than any that its entity had.
_ENTITY = """
    INSERT INTO understudy.entities (generation, entity, target, epoch, spec_hash, spec_version)
    SELECT 2, entity, %(target)s, epoch, %(hash)s, (
        SELECT max(e.spec_version) + 1 FROM understudy.entities e WHERE e.entity = %(entity)s)
    FROM understudy.entities WHERE generation = 1 AND entity = %(entity)s"""
_INDEX = "SELECT pg_get_indexdef(oid) FROM (SELECT to_regclass(%s) AS oid) i WHERE oid IS NOT NULL"
_EXISTS = "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL"


def create(target: Connection, shadow: Shadow, migration: Migration) -> None:
    """Make all that a rebuild fills, in one transaction.

    Args:
        target: Outside of a transaction.
        shadow: What is rebuilt, and where.
        migration: With the tables of the shadow.

    Raises:
        ConflictError: The schema, or the one for the old tables, is there already.
    """
    with target.transaction():
        for schema in (shadow.schema, shadow.old):
            if target.execute(_EXISTS, [schema]).fetchall() == [(True,)]:
                raise ConflictError(
                    f"the schema {schema} is there already",
                    remedy="Name one that does not exist. Old tables of an earlier rebuild go with --drop.",
                )
        target.execute(_BEGIN, [shadow.schema, list(shadow.entities)])
        target.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(shadow.schema)))
        for schema, name in shadow.tables:
            new, live = sql.Identifier(shadow.schema, name), sql.Identifier(schema, name)
            target.execute(_LIKE.format(new, live))
        places = {"shadow": shadow.schema, "oids": oids(target, shadow.tables)}
        for _, _, statement in target.execute(_REST, places).fetchall():
            target.execute(str(statement).encode())
        target.execute(_MAPPINGS.format(sql.Identifier(shadow.schema)))
        for name in shadow.entities:
            _add(target, migration, name)
            audit(target, "rebuild", name, {"into": shadow.schema})


def _add(target: Connection, migration: Migration, name: str) -> None:
    entity = migration.entities[name]
    known = {
        "entity": name,
        "target": str(entity.target),
        "hash": spec_hash(entity, migration.folder),
    }
    target.execute(_ENTITY, known)
    control.add_leaf(target, entity)
    _like_live(target, entity, name)
    target.execute(_CHECKED.format(sql.Identifier(*mapping_of(entity)), sql.Literal(name)))


def _like_live(target: Connection, entity: Entity, name: str) -> None:
    """Give the leaf the index by which old ids are found, where the live one has it."""
    place = sql.Identifier(CONTROL_SCHEMA, ids.index_of(name)).as_string()
    for (definition,) in target.execute(_INDEX, [place]).fetchall():
        target.execute(
            sql.SQL("CREATE INDEX {} ON {} USING {}").format(
                sql.Identifier(ids.index_of(name)),
                sql.Identifier(*mapping_of(entity)),
                sql.SQL(str(definition).partition(" USING ")[2]),
            )
        )


def oids(target: Connection, tables: Sequence[tuple[str, str]]) -> list[int]:
    """Of tables that are there."""
    names = [list(part) for part in zip(*tables, strict=True)]
    return [int(str(oid)) for (oid,) in target.execute(_OIDS, names).fetchall()]
