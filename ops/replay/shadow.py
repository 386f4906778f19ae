"""What is rebuilt: entities that go together, and the migration and the target as whoever fills their shadow has them.

A session that carries the names of these entities works on their second generation (schemas/control/0007.sql); their
tables and mappings lie in the shadow's schema.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from consumers import catalog
from consumers.catalog import TargetTable
from consumers.compilation import effective_missing
from ops.databases import Connection
from ops.stack.state import Endpoints
from schemas import session
from schemas.entity import Entity, ShadowEntity
from schemas.migration import Migration
from schemas.rules import AnyRule, Join, Missing, Ref

OLD = "_old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """Some entities and the schema in which they are rebuilt.

    Attributes:
        live: The migration as its folder has it.
        at: Where the servers are.
        schema: Made for the rebuild, and gone after the swap.
        entities: Names, in order.
        tables: Their tables, live; each once.
    """

    live: Migration
    at: Endpoints
    schema: str
    entities: tuple[str, ...]

    @property
    def old(self) -> str:
        """The schema that the live tables move to."""
        return f"{self.schema}{OLD}"

    @property
    def tables(self) -> list[tuple[str, str]]:
        """Schema and name of the live tables, each once."""
        return sorted({self.live.entities[name].target.place for name in self.entities})

    @property
    def topics(self) -> list[str]:
        """The topics that are read again."""
        return sorted({self.live.topic(self.live.entities[name]) for name in self.entities})

    @property
    def inside(self) -> Endpoints:
        """The servers, with a target whose sessions work on the shadow."""
        dsn = self.at.target_dsn
        before = conninfo_to_dict(dsn).get("options") or ""
        names = ",".join(_quoted(name) for name in self.entities)
        option = session.option("understudy.shadow", f"{{{names}}}")
        return replace(self.at, target_dsn=make_conninfo(dsn, options=f"{before} {option}".strip()))

    def migration(self, target: Connection) -> Migration:
        """The migration with the tables of the shadow in place of the live ones.

        Args:
            target: Its foreign keys decide what a reference does without its parent; the shadow has some of them only.
        """
        found: dict[str, Entity] = dict(self.live.entities)
        for name in self.entities:
            entity = found[name]
            found[name] = _shadowed(entity, self.schema, catalog.read(target, entity.target))
        return replace(self.live, entities=found)


def closed(migration: Migration, names: Sequence[str]) -> tuple[str, ...]:
    """Some entities with those that cannot be rebuilt without them.

    They read the same topic, write the same table, or one makes stubs in the table of the other.
    """
    found: set[str] = set()
    frontier = set(names)
    while frontier:
        found |= frontier
        frontier = {other for name in frontier for other in _bound(migration, name)} - found
    return tuple(sorted(found))


def _bound(migration: Migration, name: str) -> set[str]:
    entity = migration.entities[name]
    together = {*migration.sharing(entity), *migration.topics[migration.topic(entity)]}
    stubbed = {rule.ref for rule in _stubs(entity)}
    stubbing = {e.name for e in migration.entities.values() if name in {r.ref for r in _stubs(e)}}
    return together | stubbed | stubbing


def _stubs(entity: Entity) -> list[Ref]:
    return [rule for rule in entity.refs.values() if rule.missing is Missing.STUB]


def _shadowed(entity: Entity, schema: str, target: TargetTable) -> ShadowEntity:
    columns: Mapping[str, AnyRule] = {
        name: _decided(rule, name, target) for name, rule in entity.columns.items()
    }
    place = entity.target.model_copy(update={"schema_": schema})
    return ShadowEntity.model_construct(
        **{**dict(entity), "target": place, "columns": dict(columns)}
    )


def _decided(rule: AnyRule, column: str, target: TargetTable) -> AnyRule:
    if not isinstance(rule, Ref) or isinstance(rule, Join):
        return rule
    return rule.model_copy(update={"missing": effective_missing(rule, column, target)})


def _quoted(name: str) -> str:
    """An element of an array of PostgreSQL."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
