"""Rules that are not those by which the target's rows were written."""

from collections.abc import Iterator

from consumers import control, founding
from consumers.specification import CHANGED, REMEDY
from ops.databases import Connection
from ops.preflight.findings import Finding, Side, failed, in_entity, in_pipeline, warning
from schemas.errors import ConfigError
from schemas.migration import Migration

_HAS_CONTROL = "SELECT to_regclass('understudy.entities') IS NOT NULL"


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
        founding.require_files(connection, migration.entities)
    except ConfigError as problem:
        yield failed(Side.CONFIG, "identity-changed", in_pipeline(migration, "namespace"), problem)
        return
    for name in control.changed_rules(connection, migration):
        place = in_entity(migration, migration.entities[name], "columns")
        yield warning(Side.TARGET, "rules-changed", place, CHANGED, REMEDY)
