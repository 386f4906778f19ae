"""The control schema on the target: numbered migrations, and a row per entity and partition."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

import psycopg

from consumers.conversion import bounded, ident, literal
from consumers.plan import leaf
from schemas.entity import Entity

Connection = psycopg.Connection[tuple[object, ...]]
# Any number will do, as long as every version of understudy uses the same.
_LOCK = 7_236_511


def migrate(connection: Connection) -> None:
    """Bring the control schema to this version; any number of processes may call it at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        done = _version(connection)
        for number, script in _scripts():
            if number > done:
                connection.execute(script)


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


def register(connection: Connection, entities: Sequence[Entity]) -> None:
    """Make the rows and the mapping leaves of entities that are seen for the first time.

    Of the others nothing is locked: a stopped worker may hold their rows in a transaction.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        rows = connection.execute("SELECT entity FROM understudy.entities").fetchall()
        known = {entity for (entity,) in rows}
        for entity in entities:
            if entity.name not in known:
                connection.execute(
                    "INSERT INTO understudy.entities (entity, target) VALUES (%s, %s)",
                    [entity.name, str(entity.target)],
                )
                connection.execute(_leaf_sql(entity.name).encode())


def _leaf_sql(entity: str) -> str:
    """The entity's leaf, with its own key: rows are written straight into it. Its pages have room for updates.

    An index on all ids would cost a seventh of the speed; of the excluded rows alone it costs the others nothing.
    """
    name = leaf(entity)
    table = ident("understudy", name)
    key, owed, excluded = (ident(bounded(f"{name}_{part}")) for part in ("key", "owed", "excluded"))
    return f"""
    CREATE TABLE {table}
        PARTITION OF understudy.migration_mappings FOR VALUES IN ({literal(entity)}) WITH (fillfactor = 75);
    CREATE UNIQUE INDEX {key} ON {table} (legacy_key, source, generation);
    CREATE INDEX {owed} ON {table} (legacy_key) WHERE owed IS NOT NULL;
    CREATE INDEX {excluded} ON {table} (id) WHERE state = 'x'"""


def register_partitions(
    connection: Connection, entities: Sequence[str], topic: str, topic_id: str, partitions: int
) -> None:
    """Make the checkpoints of a topic, each at offset 0, where there are none."""
    connection.execute(
        """
        INSERT INTO understudy.checkpoints (entity, topic, partition, topic_id)
        SELECT entity, %s, partition, %s FROM unnest(%s::text[]) AS entity, generate_series(0, %s - 1) AS partition
        ON CONFLICT DO NOTHING""",
        [topic, topic_id, list(entities), partitions],
    )


def overrides(connection: Connection, entities: Sequence[str]) -> Mapping[str, dict[str, str]]:
    """The recorded exceptions to the computed identity: legacy key -> UUID, by entity."""
    found: dict[str, dict[str, str]] = {entity: {} for entity in entities}
    query = "SELECT entity, legacy_key, CAST(id AS text) FROM understudy.identity_overrides WHERE entity = ANY(%s)"
    for entity, key, uuid in connection.execute(query, [list(entities)]).fetchall():
        found[str(entity)][str(key)] = str(uuid)
    return found
