"""Rules that are not those by which the target's rows were written."""

from collections.abc import Iterator

from consumers import founding
from consumers.specification import CHANGED, REMEDY, spec_hash
from ops.databases import Connection
from ops.preflight.findings import Finding, Side, failed, in_entity, in_pipeline, warning
from schemas.errors import ConfigError
from schemas.migration import Migration

_HAS_CONTROL = "SELECT to_regclass('understudy.entities') IS NOT NULL"
_HASHES = "SELECT entity, spec_hash FROM understudy.entities WHERE generation = 1"


def check(connection: Connection, migration: Migration) -> Iterator[Finding]:
    """Refuse another identity than that of the rows; warn of each entity whose rules its workers do not know.

    Args:
        connection: To the target.
        migration: All entity files.
    """
    if connection.execute(_HAS_CONTROL).fetchone() != (True,):
        return
    try:
        founding.check(connection, migration.pipeline.namespace, list(migration.entities.values()))
    except ConfigError as problem:
        yield failed(Side.CONFIG, "identity-changed", in_pipeline(migration, "namespace"), problem)
        return
    for name in entities(connection, migration):
        place = in_entity(migration, migration.entities[name], "columns")
        yield warning(Side.TARGET, "rules-changed", place, CHANGED, REMEDY)


def entities(connection: Connection, migration: Migration) -> list[str]:
    """Entities whose rules no worker has started with yet; the control schema must be there."""
    hashes = {str(name): stored for name, stored in connection.execute(_HASHES).fetchall()}
    return [
        name
        for name, entity in migration.entities.items()
        if name in hashes and hashes[name] != spec_hash(entity, migration.folder)
    ]
