"""The control schema on the target: numbered migrations, and a row per entity and partition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import psycopg
import structlog

from consumers.conversion import bounded, ident, literal
from consumers.plan import leaf
from consumers.specification import CHANGED, REMEDY, spec_hash
from schemas.entity import Entity
from schemas.migration import Migration

log = structlog.get_logger(__name__)

Connection = psycopg.Connection[tuple[object, ...]]
# Any number will do, as long as every version of understudy uses the same.
_LOCK = 7_236_511
_ADD = """
INSERT INTO understudy.entities (generation, entity, target, spec_hash)
VALUES (understudy.generation(%(entity)s), %(entity)s, %(target)s, %(hash)s)"""
# Beyond what any generation has: the number says which rules are newer.
_RAISE = """
UPDATE understudy.entities SET spec_hash = %(hash)s,
    spec_version = (SELECT max(e.spec_version) + 1 FROM understudy.entities e WHERE e.entity = %(entity)s)
WHERE generation = understudy.generation(entity) AND entity = %(entity)s AND spec_hash <> %(hash)s"""
_HASHES = "SELECT entity, spec_hash FROM understudy.entities WHERE generation = understudy.generation(entity)"
_VERSIONS = """
SELECT entity, spec_version FROM understudy.entities
WHERE generation = understudy.generation(entity) AND entity = ANY(%s)"""


def migrate(connection: Connection) -> None:
    """Bring the control schema to this version; any number of processes may call it at once."""
    with connection.transaction():
        lock_registration(connection)
        done = _version(connection)
        for number, script in _scripts():
            if number > done:
                connection.execute(script)


def lock_registration(connection: Connection) -> None:
    """Have whoever migrates, or registers entities, wait for the end of this transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _version(connection: Connection) -> int:
    exists = "SELECT to_regclass('understudy.schema_version') IS NOT NULL"
    if connection.execute(exists).fetchall() != [(True,)]:
        return 0
    rows = connection.execute("SELECT max(version) FROM understudy.schema_version").fetchall()
    return int(str(rows[0][0]))


def _scripts() -> list[tuple[int, bytes]]:
    folder = files("schemas").joinpath("control")
    scripts = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return sorted((int(file.name.removesuffix(".sql")), file.read_bytes()) for file in scripts)


def register(connection: Connection, entities: Sequence[Entity], folder: Path) -> dict[str, int]:
    """Make the rows and the mapping leaves of entities that are seen for the first time; notice changed rules.

    Of entities whose rules are the same nothing is locked: a stopped worker may hold their rows in a transaction.

    Args:
        connection: Outside of a transaction, so that what is logged is committed.
        entities: As their files say now.
        folder: The migration folder.

    Returns:
        The version of each entity's rules: higher than before where they changed.
    """
    hashes = {entity.name: spec_hash(entity, folder) for entity in entities}
    with connection.transaction():
        lock_registration(connection)
        known = {str(name): stored for name, stored in connection.execute(_HASHES).fetchall()}
        for entity in entities:
            if entity.name not in known:
                _add(connection, entity, hashes[entity.name])
        # In the order in which the apply locks them.
        differ = sorted(
            name for name in hashes.keys() & known.keys() if hashes[name] != known[name]
        )
        changed = [name for name in differ if _is_raised(connection, name, hashes[name])]
        versions = connection.execute(_VERSIONS, [list(hashes)]).fetchall()
    for name in changed:
        log.warning(CHANGED, entity=name, remedy=REMEDY)
    return {str(name): int(str(version)) for name, version in versions}


def changed_rules(connection: Connection, migration: Migration) -> list[str]:
    """Entities whose rules no worker has started with yet; the control schema must be there."""
    hashes = {str(name): stored for name, stored in connection.execute(_HASHES).fetchall()}
    return [
        name
        for name, entity in migration.entities.items()
        if name in hashes and hashes[name] != spec_hash(entity, migration.folder)
    ]


def _add(connection: Connection, entity: Entity, spec_hash: str) -> None:
    connection.execute(
        _ADD,
        {"entity": entity.name, "target": str(entity.target), "hash": spec_hash},
    )
    add_leaf(connection, entity)


def _is_raised(connection: Connection, entity: str, spec_hash: str) -> bool:
    return connection.execute(_RAISE, {"entity": entity, "hash": spec_hash}).rowcount > 0


def add_leaf(connection: Connection, entity: Entity) -> None:
    """Make an entity's part of migration_mappings."""
    connection.execute(_leaf_sql(entity).encode())


def _leaf_sql(entity: Entity) -> str:
    """The entity's leaf, with its own key: rows are written straight into it. Its pages have room for updates.

    An index on all ids would cost a seventh of the speed; of the excluded rows alone it costs the others nothing. Where
    several entities write a table, only the ids tell whose a row is.
    """
    name = leaf(entity.name)
    those = "" if entity.merge or entity.joined else " WHERE state = 'x'"
    table, whole = (ident(entity.mapping_schema, part) for part in (name, "migration_mappings"))
    key, owed, by_id = (ident(bounded(f"{name}_{part}")) for part in ("key", "owed", "id"))
    return f"""
    CREATE TABLE {table}
        PARTITION OF {whole} FOR VALUES IN ({literal(entity.name)}) WITH (fillfactor = 75);
    CREATE UNIQUE INDEX {key} ON {table} (legacy_key, source, generation);
    CREATE INDEX {owed} ON {table} (legacy_key) WHERE owed IS NOT NULL;
    CREATE INDEX {by_id} ON {table} (id){those}"""


def register_partitions(
    connection: Connection, entities: Sequence[str], topic: str, topic_id: str, partitions: int
) -> None:
    """Make the checkpoints of a topic, each at offset 0, where there are none."""
    connection.execute(
        """
        INSERT INTO understudy.checkpoints (generation, entity, topic, partition, topic_id)
        SELECT understudy.generation(entity), entity, %s, partition, %s
        FROM unnest(%s::text[]) AS entity, generate_series(0, %s - 1) AS partition
        ON CONFLICT DO NOTHING""",
        [topic, topic_id, list(entities), partitions],
    )


def now(connection: Connection) -> datetime:
    """The time by the target's clock."""
    at = connection.execute("SELECT clock_timestamp()").fetchall()[0][0]
    if not isinstance(at, datetime):
        raise TypeError(at)
    return at


def overrides(connection: Connection, entities: Sequence[str]) -> Mapping[str, dict[str, str]]:
    """The recorded exceptions to the computed identity: legacy key -> UUID, by entity."""
    found: dict[str, dict[str, str]] = {entity: {} for entity in entities}
    query = "SELECT entity, legacy_key, CAST(id AS text) FROM understudy.identity_overrides WHERE entity = ANY(%s)"
    for entity, key, uuid in connection.execute(query, [list(entities)]).fetchall():
        found[str(entity)][str(key)] = str(uuid)
    return found
