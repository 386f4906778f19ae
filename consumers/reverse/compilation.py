"""From the two databases as they are to the way back of every target table."""

from consumers import catalog
from consumers.reverse.control import Connection
from consumers.reverse.plan import Refusal, Surroundings, TableBack, compile_table
from schemas.errors import ConfigError
from schemas.migration import Migration
from schemas.names import back, topic
from schemas.table import CATALOG_SQL, Table, tables_of


def compile_all(
    migration: Migration, legacy: Connection, target: Connection
) -> tuple[list[TableBack], list[Refusal]]:
    """Compile the way back of all entities.

    Returns:
        The plans, and what has no way back; with refusals the plans are not to be used.

    Raises:
        ConfigError: A legacy table does not exist.
        TargetError: A target table does not exist.
    """
    around = Surroundings(
        migration=migration,
        legacies=_legacies(migration, legacy),
        server_version=legacy.info.server_version,
    )
    name = back(migration.pipeline.pipeline)
    tables: list[TableBack] = []
    refusals: list[Refusal] = []
    for place in dict.fromkeys(entity.target for entity in migration.entities.values()):
        theirs = catalog.read(target, place).table
        table, refused = compile_table(theirs, topic(name, *place.place), around)
        tables.append(table)
        refusals += refused
    return tables, refusals


def _legacies(migration: Migration, legacy: Connection) -> dict[str, Table]:
    """The legacy tables, by entity."""
    entities = migration.entities.values()
    places = {
        "schemas": [entity.source.schema_ for entity in entities],
        "tables": [entity.source.table for entity in entities],
    }
    found = tables_of(legacy.execute(CATALOG_SQL.encode(), places).fetchall())
    for entity in entities:
        if entity.source.place not in found:
            raise ConfigError("the source has no such table", table=str(entity.source))
    return {entity.name: found[entity.source.place] for entity in entities}
