"""`understudy check`: all sides, one after the other; a side that cannot be asked is one finding."""

from collections.abc import Callable, Iterator

from ops import databases
from ops.preflight import (
    actions,
    broker,
    changed,
    columns,
    expressions,
    references,
    source,
    source_tables,
    target,
)
from ops.preflight.catalogs import SourceTable
from ops.preflight.catalogs import labels as all_labels
from ops.preflight.catalogs import source_tables as read_sources
from ops.preflight.catalogs import target_tables as read_targets
from ops.preflight.findings import Finding, Severity, Side, failed, in_pipeline
from ops.preflight.references import Tables
from ops.stack.state import Endpoints
from schemas.errors import UnderstudyError
from schemas.migration import Migration

APPLICATION = "check"


def check(migration: Migration, at: Endpoints) -> list[Finding]:
    """Everything that keeps the pipeline from starting, or that its operator should know.

    Args:
        migration: What is to run.
        at: Where the servers are.

    Returns:
        Findings in the order source, target, Kafka, registry; empty when all is well.
    """
    sources: dict[str, SourceTable] = {}
    return [
        *_guarded(Side.SOURCE, migration, "source.dsn", lambda: _source(migration, at, sources)),
        *_guarded(Side.TARGET, migration, "target.dsn", lambda: _target(migration, at, sources)),
        *_guarded(
            Side.BROKER, migration, "kafka.bootstrap", lambda: broker.check_kafka(migration, at)
        ),
        *_guarded(
            Side.BROKER, migration, "registry.url", lambda: broker.check_registry(migration, at)
        ),
    ]


def require_sound(migration: Migration, at: Endpoints) -> None:
    """Let `run` start only without errors.

    Raises:
        UnderstudyError: Of the side of the first error, with its place and remedy.
    """
    errors = [finding for finding in check(migration, at) if finding.severity is Severity.ERROR]
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more, see understudy check)" if errors[1:] else ""
    raise first.failure(
        first.what + more, remedy=first.remedy, file=first.place.file, key=first.place.key
    )


def _guarded(
    side: Side, migration: Migration, key: str, findings: Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    try:
        yield from findings()
    except UnderstudyError as problem:
        yield failed(side, f"{side.name.lower()}-failed", in_pipeline(migration, key), problem)


def _source(
    migration: Migration, at: Endpoints, sources: dict[str, SourceTable]
) -> Iterator[Finding]:
    with databases.source(at.source_dsn, APPLICATION) as connection:
        yield from source.check(connection, migration)
        sources.update(read_sources(connection, migration))
        yield from source_tables.check(migration, sources, all_labels(connection))


def _target(
    migration: Migration, at: Endpoints, sources: dict[str, SourceTable]
) -> Iterator[Finding]:
    with databases.target(at.target_dsn, APPLICATION) as connection:
        targets = read_targets(connection, migration)
        yield from target.check(connection, migration, targets, all_labels(connection))
        sound = {}
        for name, table in targets.items():
            entity = migration.entities[name]
            found = list(columns.check(migration, entity, table))
            yield from found
            yield from actions.check(migration, entity, table)
            if name in sources and not any(f.severity is Severity.ERROR for f in found):
                yield from columns.nullable(migration, entity, sources[name], table)
                sound[name] = table
        yield from references.check(migration, Tables(source=sources, target=targets))
        readable = {
            n: s for n, s in sources.items() if source_tables.is_complete(migration.entities[n], s)
        }
        yield from expressions.check(connection, migration, readable, sound)
        yield from changed.check(connection, migration)
