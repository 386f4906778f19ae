"""The entities of a migration, compiled for whoever looks at their rows: it takes seconds where there are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumers import control
from consumers.assembly import Assembly, Schemas
from consumers.identity import Identity
from consumers.plan import EntityPlan
from consumers.stage import Stage
from ops import wiring
from ops.databases import Connection
from ops.proof import source_rows
from ops.stack.state import Endpoints
from schemas.migration import Migration
from schemas.table import Table

_VERSIONS = """
    SELECT entity, spec_version FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY(%s)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """What looking at rows needs, by entity.

    Attributes:
        tables: Of the source, as their topics have them.
        identities: Of all entities of the migration.
        schemas: Of the topics.
    """

    tables: Mapping[str, Table]
    stages: Mapping[str, Stage]
    identities: Mapping[str, Identity]
    schemas: Schemas

    @property
    def of_entities(self) -> list[EntityPlan]:
        """What applying each entity needs."""
        return [stage.plan for stage in self.stages.values()]

    @classmethod
    def compile(
        cls,
        migration: Migration,
        at: Endpoints,
        sides: tuple[Connection, Connection],
        names: Sequence[str],
    ) -> "Plans":
        """Compile some entities by the rules as they are in the folder.

        Args:
            migration: What runs.
            at: Where its servers are.
            sides: Source and target.
            names: Of the entities.

        Raises:
            SourceError: A legacy table does not exist.
            ConfigError: The rules do not fit the tables.
        """
        source, target = sides
        entities = [migration.entities[name] for name in names]
        schemas = Schemas(wiring.registry(migration, at))
        assembly = Assembly(migration, schemas)
        assembly.spec_versions = _spec_versions(target, migration, names)
        tables = source_rows.tables(source, entities)
        overrides = control.overrides(target, list(migration.entities))
        namespace = migration.pipeline.namespace
        return cls(
            tables=tables,
            stages={e.name: assembly.applier(target, e, tables[e.name]).stage for e in entities},
            identities={n: Identity(namespace, n, overrides[n]) for n in overrides},
            schemas=schemas,
        )


def _spec_versions(
    target: Connection, migration: Migration, names: Sequence[str]
) -> dict[str, int]:
    """Of the rules as they are in the folder: those that no worker has started with are newer than any."""
    rows = target.execute(_VERSIONS, [list(names)]).fetchall()
    unknown = set(control.changed_rules(target, migration))
    return {str(name): int(str(version)) + (name in unknown) for name, version in rows}
