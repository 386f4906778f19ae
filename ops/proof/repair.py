"""Mending the target: rows that a verification found otherwise than they should be are written again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from consumers import control, reapply
from consumers.apply import Applier
from consumers.assembly import Assembly, Schemas
from consumers.target import Session
from ops import databases, wiring
from ops.amounts import how_many
from ops.controls import audit, require_control
from ops.databases import Connection
from ops.letters import AUDITED_KEYS_MAX
from ops.proof import source_rows
from ops.proof.exact_point import Say
from ops.stack.state import Endpoints
from schemas.errors import NotReadyError
from schemas.migration import Migration

APPLICATION = "repair"
_VERSIONS = "SELECT entity, spec_version FROM understudy.entities WHERE generation = understudy.generation(entity)"


def repair(
    migration: Migration, at: Endpoints, keys: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Write some rows again from the images in the mapping, parents first.

    Args:
        migration: A pipeline that runs.
        at: Where its servers are.
        keys: Legacy keys by entity.

    Returns:
        How many rows of each entity had an image.

    Raises:
        NotReadyError: The workers do not have the present rules; or an entity is paused, stopped or switched.
    """
    with _appliers(migration, at, list(keys)) as (session, appliers):
        return {
            name: sum(_written(session, applier, "repair", _parts(keys[name])))
            for name, applier in appliers.items()
        }


def by_present_rules(
    migration: Migration, at: Endpoints, entities: Sequence[str], say: Say
) -> dict[str, int]:
    """Write all rows of some entities again that older rules have made, parents first.

    Args:
        migration: As `repair`.
        at: As `repair`.
        entities: Names.
        say: Told how far it is.

    Returns:
        How many rows of each entity were written.

    Raises:
        NotReadyError: As `repair`.
    """
    done = {}
    with _appliers(migration, at, entities) as (session, appliers):
        for name, applier in appliers.items():
            done[name] = 0
            older = reapply.of_older_rules(session.connection(), applier.plan)
            for count in _written(session, applier, "reapply", older):
                done[name] += count
                say(f"{name}: {how_many(done[name], 'row')}")
    return done


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(keys), reapply.ROWS_MAX):
        yield keys[first : first + reapply.ROWS_MAX]


def _written(
    session: Session, applier: Applier, action: str, parts: Iterable[Sequence[str]]
) -> Iterator[int]:
    """Write parts, each with its entry in the audit log."""
    for keys in parts:
        session.prepare([applier])
        connection = session.connection()
        with connection.transaction():
            written = reapply.reapply(connection, applier, keys)
            said = {"count": len(written), "keys": written[:AUDITED_KEYS_MAX]}
            audit(connection, action, applier.plan.name, said)
        yield len(written)


@contextmanager
def _appliers(
    migration: Migration, at: Endpoints, entities: Sequence[str]
) -> Iterator[tuple[Session, dict[str, Applier]]]:
    """What applies some entities, in the order of waves."""
    assembly = Assembly(migration, Schemas(wiring.registry(migration, at)))
    of = [
        migration.entities[name] for group in migration.waves for name in group if name in entities
    ]
    with databases.source(at.source_dsn, APPLICATION) as source:
        tables = source_rows.tables(source, of)
    session = Session(at.target_dsn, APPLICATION)
    try:
        connection = session.connection()
        require_control(connection)
        _require_present_rules(connection, migration, entities)
        rows = connection.execute(_VERSIONS).fetchall()
        assembly.spec_versions = {str(name): int(str(version)) for name, version in rows}
        yield session, {e.name: assembly.applier(connection, e, tables[e.name]) for e in of}
    finally:
        session.close()


def _require_present_rules(
    connection: Connection, migration: Migration, entities: Sequence[str]
) -> None:
    unknown = sorted(set(control.changed_rules(connection, migration)) & set(entities))
    if unknown:
        raise NotReadyError(
            f"the workers do not have the present rules of {', '.join(unknown)} yet",
            remedy="understudy dead-letters retry has them taken up; or start the workers again.",
        )
