"""What the documents are made of: the migration, the tables of both sides with their comments, and the files' remarks.

All orders are those of names and waves, never of a server's collation, so the same input gives the same documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.catalog import TargetTable
from ops.document.remarks import Remarks
from schemas.entity import Entity
from schemas.migration import ENTITY_FOLDER, Migration
from schemas.table import Table

Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """What COMMENT ON says of a table and its columns."""

    table: str = ""
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A folder of entity files.

    Attributes:
        name: Of the folder below entities/; `entities` itself for files that are in none.
        entities: In alphabetical order.
    """

    name: str
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column, or several, of a target table that name a row of another, or of the same.

    Attributes:
        is_enforced: Whether a foreign key of the target holds it; otherwise it is known from an entity file alone.
    """

    table: Place
    columns: tuple[str, ...]
    parent: Place
    is_enforced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything that is documented.

    Attributes:
        sources: The tables of every schema that an entity reads from.
        targets: The tables of every schema that an entity writes to.
        source_comments, target_comments: On these tables.
        remarks: The comments of the entity files, by entity.
    """

    migration: Migration
    sources: Mapping[Place, Table]
    targets: Mapping[Place, TargetTable]
    source_comments: Mapping[Place, Comments]
    target_comments: Mapping[Place, Comments]
    remarks: Mapping[str, Remarks]

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The domains, those first whose entities stand in earlier waves on average."""
        found: dict[str, list[Entity]] = {}
        for name, entity in self.migration.entities.items():
            found.setdefault(self.domain_of(name), []).append(entity)
        levels = self.migration.levels

        def rank(item: tuple[str, list[Entity]]) -> tuple[float, str]:
            name, entities = item
            return sum(levels[entity.name] for entity in entities) / len(entities), name

        return tuple(
            Domain(name=name, entities=tuple(entities))
            for name, entities in sorted(found.items(), key=rank)
        )

    def domain_of(self, entity: str) -> str:
        """The domain of an entity."""
        return self.migration.domain(entity).replace("/", "-") or ENTITY_FOLDER

    def source_of(self, entity: Entity) -> Table:
        """The legacy table of an entity."""
        return self.sources[entity.source.place]

    def target_of(self, entity: Entity) -> TargetTable:
        """The target table of an entity."""
        return self.targets[entity.target.place]

    @property
    def owners(self) -> dict[Place, Entity]:
        """The first entity with rows of its own, by target table."""
        found: dict[Place, Entity] = {}
        for entity in self.migration.entities.values():
            if not entity.joined:
                found.setdefault(entity.target.place, entity)
        return found

    @property
    def references(self) -> tuple[Reference, ...]:
        """The foreign keys of the tables that entities write, and the references that their files alone know."""
        enforced = {
            (key.table, key.columns, key.parent)
            for place in self.written
            for key in self.targets[place].references
        }
        held = {(table, columns[-1:], parent) for table, columns, parent in enforced}
        ruled = set(self._ruled()) - enforced - held
        return tuple(
            Reference(table=table, columns=columns, parent=parent, is_enforced=is_enforced)
            for found, is_enforced in ((enforced, True), (ruled, False))
            for table, columns, parent in sorted(found)
        )

    def _ruled(self) -> Iterator[tuple[Place, tuple[str, ...], Place]]:
        for entity in self.migration.entities.values():
            for column, rule in entity.refs.items():
                if column != entity.id_column:
                    parent = self.migration.entities[rule.ref].target.place
                    yield entity.target.place, (column,), parent

    @property
    def written(self) -> tuple[Place, ...]:
        """The target tables that an entity writes, sorted."""
        return tuple(sorted({entity.target.place for entity in self.migration.entities.values()}))

    @property
    def unread(self) -> tuple[Place, ...]:
        """The legacy tables that no entity reads, sorted."""
        read = {entity.source.place for entity in self.migration.entities.values()}
        return tuple(sorted(set(self.sources) - read))

    @property
    def unwritten(self) -> tuple[Place, ...]:
        """The target tables that no entity writes, sorted."""
        return tuple(sorted(set(self.targets) - set(self.written)))
