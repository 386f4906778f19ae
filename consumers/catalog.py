"""The target's tables: columns, unique keys, checks and foreign keys, as far as applying rows depends on them."""

from dataclasses import dataclass
from importlib.resources import files

import psycopg

from schemas.entity import TableName
from schemas.errors import TargetUnfitError
from schemas.table import CATALOG_SQL, Table, tables_of

_CONSTRAINTS_SQL = files("consumers").joinpath("catalog.sql").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueKey:
    """A unique index.

    Attributes:
        columns: In index order.
        deferrable: Whether it may be violated until the constraints are checked.
        plain: Whether it is on columns only, over all rows; others can only be found out by trying.
        nulls_distinct: Whether two NULLs are two values.
    """

    name: str
    columns: tuple[str, ...]
    deferrable: bool
    plain: bool
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A CHECK of a table: an expression over some of its columns; a NOT NULL has no name."""

    name: str | None
    columns: tuple[str, ...]
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key of one column or more, from the referencing table's side.

    Attributes:
        table: The referencing table, as (schema, name).
        parent: The referenced table, as (schema, name).
        on_delete, on_update: `pg_constraint.confdeltype` and `confupdtype`: a no action, r restrict, c cascade,
            n set null, d set default.
    """

    name: str
    table: tuple[str, str]
    columns: tuple[str, ...]
    parent: tuple[str, str]
    parent_columns: tuple[str, ...]
    deferrable: bool
    on_delete: str
    on_update: str

    def judged(self, id_column: str) -> tuple[str, str] | None:
        """The column by which rows that refer to a parent are found, and the parent's column that it holds.

        Args:
            id_column: The parent's UUID.

        Returns:
            None where it takes several columns, and none of them is the UUID.
        """
        pairs = dict(zip(self.parent_columns, self.columns, strict=True))
        parent_column = id_column if id_column in pairs else self.parent_columns[0]
        is_one = parent_column == id_column or len(pairs) == 1
        return (pairs[parent_column], parent_column) if is_one else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTable:
    """A target table with what constrains it."""

    table: Table
    uniques: tuple[UniqueKey, ...] = ()
    checks: tuple[Check, ...] = ()
    references: tuple[ForeignKey, ...] = ()
    referenced_by: tuple[ForeignKey, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name."""
        return self.table.schema, self.table.name

    @property
    def has_row_triggers(self) -> bool:
        """Whether triggers may change a row, or leave it out, before it is written: then no check is known."""
        return not self.checks

    def secondary(self, id_column: str) -> tuple[UniqueKey, ...]:
        """The unique keys beside the one on the UUID."""
        return tuple(key for key in self.uniques if key.columns != (id_column,))


def read(connection: psycopg.Connection[tuple[object, ...]], name: TableName) -> TargetTable:
    """Read one target table from the catalog.

    Raises:
        TargetError: The table does not exist.
    """
    places = {"schemas": [name.schema_], "tables": [name.table]}
    table = tables_of(connection.execute(CATALOG_SQL, places).fetchall()).get(name.place)
    if table is None:
        raise TargetUnfitError(
            "the target table does not exist",
            table=name,
            remedy="Create it, or correct `target` in the entity file.",
        )
    rows = connection.execute(_CONSTRAINTS_SQL, {"oid": table.oid}).fetchall()
    return TargetTable(
        table=table,
        uniques=tuple(_unique(row) for row in rows if row[0] == "unique"),
        checks=tuple(_check(row) for row in rows if row[0] == "check" and row[8]),
        references=tuple(_foreign(row, name.place) for row in rows if row[0] == "out"),
        referenced_by=tuple(
            _foreign(row, name.place)
            for row in rows
            if row[0] == "in" or (row[4], row[5]) == name.place
        ),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _unique(row: tuple[object, ...]) -> UniqueKey:
    return UniqueKey(
        name=str(row[1]),
        columns=_texts(row[2]),
        deferrable=bool(row[7]),
        plain=bool(row[8]),
        nulls_distinct=not row[9],
    )


def _check(row: tuple[object, ...]) -> Check:
    return Check(
        name=None if row[1] is None else str(row[1]),
        columns=_texts(row[2]),
        expression=str(row[10]),
    )


def _foreign(row: tuple[object, ...], here: tuple[str, str]) -> ForeignKey:
    there = (str(row[4]), str(row[5]))
    table, parent = (here, there) if row[0] == "out" else (there, here)
    return ForeignKey(
        name=str(row[1]),
        table=table,
        columns=_texts(row[2]),
        parent=parent,
        parent_columns=_texts(row[6]),
        deferrable=bool(row[7]),
        on_delete=str(row[10])[0],
        on_update=str(row[10])[1],
    )
