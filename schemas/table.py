"""A table as the catalog describes it: what both sides need to know of its columns and key."""

from dataclasses import dataclass
from enum import Enum
from importlib.resources import files

# One row a column, in the order of attnum; parameters: schemas text[], tables text[] (pairs).
CATALOG_SQL = files("schemas").joinpath("catalog.sql").read_text()


class ReplicaIdentity(Enum):
    """What an UPDATE or DELETE tells of the old row (pg_class.relreplident)."""

    DEFAULT = "d"
    NOTHING = "n"
    FULL = "f"
    INDEX = "i"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: As the catalog spells it, unquoted.
        type: As `format_type` prints it, with its modifier: `numeric(12,2)`, `public.mood`.
        base: The type that holds every text of it on any server: domains as their base, everything outside
            pg_catalog (enums, composites, extension types) as `text`.
        not_null: Whether NULL is refused.
        generated: Whether the server computes it (stored or virtual); such columns are neither published nor written.
        identity: Whether it is an identity column GENERATED ALWAYS.
        has_default: Whether an INSERT may leave it out though it is NOT NULL.
    """

    name: str
    type: str
    base: str
    not_null: bool = False
    generated: bool = False
    identity: bool = False
    has_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its columns in catalog order and its primary key in key order.

    Attributes:
        key_deferrable: Whether two rows may have the same key within a statement or a transaction.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    oid: int = 0
    kind: str = "r"
    identity: ReplicaIdentity = ReplicaIdentity.DEFAULT
    rows_estimate: int = 0
    key_deferrable: bool = False

    @property
    def label(self) -> str:
        """Schema and name with a dot, for messages and topics' tables."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


def tables_of(rows: list[tuple[object, ...]]) -> dict[tuple[str, str], Table]:
    """Build tables from the rows that `CATALOG_SQL` returns.

    Args:
        rows: (schema, table, oid, relkind, relreplident, rows, key, name, type, base, not_null, generated, identity,
            has_default, key_deferrable), by table and attnum; a table without columns has one row with name NULL.

    Returns:
        The tables by (schema, name); what does not exist is not there.
    """
    heads: dict[tuple[str, str], tuple[object, ...]] = {}
    columns: dict[tuple[str, str], list[Column]] = {}
    for row in rows:
        place = (str(row[0]), str(row[1]))
        heads.setdefault(place, row)
        found = columns.setdefault(place, [])
        if row[7] is not None:
            found.append(_column(row))
    return {place: _table(head, tuple(columns[place])) for place, head in heads.items()}


def _column(row: tuple[object, ...]) -> Column:
    return Column(
        name=str(row[7]),
        type=str(row[8]),
        base=str(row[9]),
        not_null=bool(row[10]),
        generated=bool(row[11]),
        identity=bool(row[12]),
        has_default=bool(row[13]),
    )


def _table(row: tuple[object, ...], columns: tuple[Column, ...]) -> Table:
    key = row[6] if isinstance(row[6], list) else []
    return Table(
        schema=str(row[0]),
        name=str(row[1]),
        oid=int(str(row[2])),
        kind=str(row[3]),
        identity=ReplicaIdentity(str(row[4])),
        rows_estimate=int(str(row[5])),
        key=tuple(str(name) for name in key),
        key_deferrable=bool(row[14]),
        columns=columns,
    )
