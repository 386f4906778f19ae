"""What the mapping records, beside the keys of the source and the rows of the target."""

import polars as pl
from psycopg import sql

from consumers.plan import mapping_of
from ops.databases import Connection
from ops.proof import frames
from schemas.entity import CONTROL_SCHEMA, Entity
from schemas.migration import Migration

_RECORDED = sql.SQL("""
    SELECT legacy_key, CAST(state AS text) FROM {mapping} WHERE generation = 1 AND source = {source}""")
_UNOWNED = sql.SQL("""
    SELECT CAST(t.{id} AS text) FROM {target} t
    WHERE NOT EXISTS (SELECT FROM {mappings} m
        WHERE m.generation = 1 AND m.entity = ANY (%s) AND m.state = 'l' AND m.id = t.{id})""")
# Where each row of the target is somebody's, and there are as many of either, each is of one key.
_BALANCED = sql.SQL("""
    SELECT (SELECT count(*) FROM {mappings} WHERE generation = 1 AND entity = ANY (%s) AND state = 'l')
        = (SELECT count(*) FROM {target})""")
# In two steps: where none is shared, as always, the keys need not be sorted beside the UUIDs.
_SHARED = sql.SQL("""
    SELECT id FROM {mappings} WHERE generation = 1 AND entity = ANY (%s) AND state = 'l'
    GROUP BY id HAVING count(*) > 1""")
_KEYS = sql.SQL("""
    SELECT legacy_key FROM {mapping} WHERE generation = 1 AND state = 'l' AND id = ANY (%s)""")
_ASTRAY = sql.SQL("""
    SELECT count(*) FROM {mapping} m JOIN {overrides} o
        ON o.entity = m.entity AND o.source = m.source AND o.legacy_key = m.legacy_key
    WHERE m.generation = 1 AND m.state = 'l' AND m.id <> o.id""")


def owners(migration: Migration, entity: Entity) -> list[str]:
    """The entities that have rows of their own in the target table of this one."""
    return [n for n in migration.sharing(entity) if not migration.entities[n].joined]


def recorded(target: Connection, entity: Entity) -> pl.DataFrame:
    """Every legacy key that an entity has ever had: `key` and `state`."""
    mapping = sql.Identifier(*mapping_of(entity))
    query = _RECORDED.format(mapping=mapping, source=sql.Literal(str(entity.source)))
    return frames.read(target, query, ["key", "state"])


def unowned(target: Connection, migration: Migration, entity: Entity) -> list[str]:
    """UUIDs of rows of an entity's target table that no legacy row was ever made into."""
    query = _UNOWNED.format(
        id=sql.Identifier(entity.id_column),
        target=sql.Identifier(*entity.target.place),
        mappings=_mappings(entity),
    )
    rows = target.execute(query, [owners(migration, entity)]).fetchall()
    return [str(row_id) for (row_id,) in rows]


def balanced(target: Connection, migration: Migration, entity: Entity) -> bool:
    """Whether an entity's target table has as many rows as there are live legacy keys with rows in it."""
    query = _BALANCED.format(
        target=sql.Identifier(*entity.target.place), mappings=_mappings(entity)
    )
    return bool(target.execute(query, [owners(migration, entity)]).fetchall()[0][0])


def sharing(target: Connection, migration: Migration, name: str) -> list[str]:
    """Live legacy keys of an entity that have the UUID of another one, of any entity with rows in the same table."""
    entity = migration.entities[name]
    query = _SHARED.format(mappings=_mappings(entity))
    ids = [row_id for (row_id,) in target.execute(query, [owners(migration, entity)]).fetchall()]
    if not ids:
        return []
    keys = _KEYS.format(mapping=sql.Identifier(*mapping_of(entity)))
    return [str(key) for (key,) in target.execute(keys, [ids]).fetchall()]


def astray(target: Connection, entity: Entity) -> int:
    """How many live legacy keys have another UUID than their override."""
    query = _ASTRAY.format(
        mapping=sql.Identifier(*mapping_of(entity)),
        overrides=sql.Identifier(CONTROL_SCHEMA, "identity_overrides"),
    )
    return int(str(target.execute(query).fetchall()[0][0]))


def _mappings(entity: Entity) -> sql.Identifier:
    return sql.Identifier(entity.mapping_schema, "migration_mappings")
