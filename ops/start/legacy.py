"""What the catalog says of a database that nobody has described yet."""

from dataclasses import dataclass
from importlib.resources import files

from consumers import catalog
from consumers.catalog import ForeignKey, TargetTable, UniqueKey
from ops.databases import Connection
from ops.preflight import catalogs
from ops.preflight.catalogs import SourceFacts
from schemas.entity import CONTROL_SCHEMA, TableName
from schemas.table import Column, Table

Place = tuple[str, str]
_TABLES_SQL = files("ops.start").joinpath("tables.sql").read_bytes()
# Words that cannot name a column or table without quotes.
_RESERVED_SQL = "SELECT word FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U'"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyTable:
    """A legacy table: its columns, what constrains it, and what capturing it depends on."""

    constrained: TargetTable
    facts: SourceFacts

    @property
    def table(self) -> Table:
        """Columns and key."""
        return self.constrained.table

    @property
    def place(self) -> Place:
        """Schema and name."""
        return self.constrained.place

    @property
    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """Those that refer from here to others."""
        return self.constrained.references

    @property
    def uniques(self) -> tuple[UniqueKey, ...]:
        """The unique keys beside the primary one."""
        return tuple(key for key in self.constrained.uniques if key.columns != self.table.key)

    def column(self, name: str) -> Column:
        """The column of that name, which is there."""
        found = self.table.column(name)
        assert found is not None, name  # noqa: S101 - keys and constraints name columns of the table
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """The legacy database.

    Attributes:
        tables: By schema and name, in that order.
        reserved: Words of SQL that a name must not be without quotes.
    """

    tables: dict[Place, LegacyTable]
    reserved: frozenset[str]


def read(connection: Connection) -> Legacy:
    """Read the catalog of the legacy database; no row is looked at.

    Args:
        connection: To the source.
    """
    found = tables(connection)
    facts = catalogs.facts(connection, list(found), publication="")
    return Legacy(
        tables={
            place: LegacyTable(constrained=constrained, facts=facts[place])
            for place, constrained in found.items()
        },
        reserved=frozenset(str(word) for (word,) in connection.execute(_RESERVED_SQL).fetchall()),
    )


def tables(connection: Connection) -> dict[Place, TargetTable]:
    """Every table of a database but those of understudy, by schema and name."""
    rows = connection.execute(_TABLES_SQL, {"control": CONTROL_SCHEMA}).fetchall()
    places = [(str(schema), str(name)) for schema, name in rows]
    return {
        (schema, name): catalog.read(connection, TableName(schema=schema, table=name))
        for schema, name in places
    }
