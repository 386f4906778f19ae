"""Sequences of the target: rows came with their numbers, so each is set above the highest, with a margin."""

from dataclasses import asdict, dataclass
from importlib.resources import files

from psycopg import sql

from ops.databases import Connection
from ops.preflight.catalogs import places
from schemas.migration import Migration

# Room for rows that somebody adds by hand, or that another sequence of the same column has numbered.
MARGIN = 1_000
_SEQUENCES = files("ops.cutover").joinpath("sequences.sql").read_bytes()
# Never back: an application may have taken numbers already.
_SET = sql.SQL("""
    SELECT pg_catalog.setval({oid}::regclass, least(there.highest + {margin}, {most}))
    FROM (SELECT max({column})::bigint AS highest FROM {table}) AS there
    WHERE least(there.highest + {margin}, {most}) > (
        SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence})
        AND there.highest IS NOT NULL""")

_STATE = sql.SQL("""
    SELECT (SELECT max({column})::bigint FROM {table}), CASE WHEN is_called THEN last_value ELSE last_value - 1 END
    FROM {sequence}""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence beside the column that it fills.

    Attributes:
        place: Schema, table and column.
        highest: Number in the column; None: there is none.
        at: The number that was given last.
    """

    sequence: str
    place: tuple[str, str, str]
    highest: int | None
    at: int

    @property
    def column(self) -> str:
        """Schema, table and column, with dots."""
        return ".".join(self.place)

    @property
    def is_behind(self) -> bool:
        """Whether it is going to give a number that the column has, or had."""
        return self.highest is not None and self.at < self.highest

    def as_json(self) -> dict[str, object]:
        """As evidence."""
        return {
            "sequence": self.sequence,
            "column": self.column,
            "highest": self.highest,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A sequence that was set."""

    sequence: str
    column: str
    value: int

    def as_json(self) -> dict[str, object]:
        """As evidence."""
        return asdict(self)


def look(target: Connection, migration: Migration) -> list[Sequence]:
    """The sequences of all target tables that count upwards."""
    wanted = places([entity.target.place for entity in migration.entities.values()])
    found = []
    for schema, table, column, _, *sequence, _ in target.execute(_SEQUENCES, wanted).fetchall():
        place = (str(schema), str(table), str(column))
        name = [str(part) for part in sequence]
        query = _STATE.format(
            column=sql.Identifier(place[2]),
            table=sql.Identifier(*place[:2]),
            sequence=sql.Identifier(*name),
        )
        ((highest, at),) = target.execute(query).fetchall()
        found.append(
            Sequence(
                sequence=".".join(name),
                place=place,
                highest=None if highest is None else int(str(highest)),
                at=int(str(at)),
            )
        )
    return found


def raise_all(target: Connection, migration: Migration) -> list[Raised]:
    """Set the sequences of all target tables above what stands in the columns that they fill.

    Returns:
        Those that were too low; none when it is done again.
    """
    wanted = places([entity.target.place for entity in migration.entities.values()])
    found = []
    for schema, table, column, oid, *sequence, most in target.execute(
        _SEQUENCES, wanted
    ).fetchall():
        query = _SET.format(
            oid=sql.Literal(oid),
            column=sql.Identifier(str(column)),
            margin=sql.Literal(MARGIN),
            most=sql.Literal(most),
            table=sql.Identifier(str(schema), str(table)),
            sequence=sql.Identifier(*map(str, sequence)),
        )
        for (value,) in target.execute(query).fetchall():
            name = f"{schema}.{table}.{column}"
            found.append(
                Raised(sequence=".".join(map(str, sequence)), column=name, value=int(str(value)))
            )
    return found
