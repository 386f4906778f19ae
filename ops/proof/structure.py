"""What must hold of the target as a whole, by query: references, UUIDs, the mapping, sequences.

Where a row differs, it is one row; these count what no comparison of single rows can see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from psycopg import sql

from consumers.catalog import TargetTable
from ops.cutover import integrity, sequences
from ops.cutover.gate import Gate
from ops.databases import Connection
from ops.proof import reconciling
from ops.proof.totals import Total
from schemas.entity import Entity
from schemas.migration import Migration

_REPEATED = sql.SQL(
    "SELECT count(*) FROM (SELECT FROM {table} GROUP BY {id} HAVING count(*) > 1) AS repeated"
)


def look(
    target: Connection,
    migration: Migration,
    tables: Mapping[str, TargetTable],
    shared: Mapping[str, Sequence[str]],
) -> list[Gate]:
    """Look at the tables of some entities.

    Args:
        target: In the transaction of an exact point.
        migration: All its entities.
        tables: Of the entities that are looked at, by their names.
        shared: What `reconciling.sharing` has found of each that has rows of its own.
    """
    seen = replace(migration, entities={name: migration.entities[name] for name in tables})
    return [
        integrity.orphans(target, seen),
        _unique(target, seen, tables),
        _bijective(target, seen, shared),
        _sequences(target, migration, seen),
    ]


def add_up(totals: Sequence[Total]) -> Gate:
    """Whether the sums of both sides are the same."""
    differ = sum(not total.agrees for total in totals)
    unknown = sum(bool(total.problem) for total in totals)
    agree = f"{len(totals) - differ - unknown:,} agree" + (
        f", {unknown:,} cannot be added up" if unknown else ""
    )
    return Gate(
        name="totals",
        met=not differ,
        says=f"{differ:,} differ, {agree}" if differ else agree,
        remedy="The rows that differ say why; where none does, the rule means something else than was thought.",
        count=differ,
    )


def has_unique_ids(table: TargetTable, entity: Entity) -> bool:
    """Whether PostgreSQL sees to it that no UUID stands twice in a table."""
    return any(key.plain and key.columns == (entity.id_column,) for key in table.uniques)


def _unique(target: Connection, seen: Migration, tables: Mapping[str, TargetTable]) -> Gate:
    """Whether no UUID stands twice in a table.

    Where a valid unique index is on the column alone PostgreSQL sees to it with every write, in every session: to count
    would ask the same index again. Only where none is, rows are counted.
    """
    indexed, found = set(), {}
    for name, entity in seen.entities.items():
        place, table = entity.target.place, tables[name]
        if has_unique_ids(table, entity):
            indexed.add(place)
        elif place not in found:
            query = _REPEATED.format(
                table=sql.Identifier(*place), id=sql.Identifier(entity.id_column)
            )
            found[place] = int(str(target.execute(query).fetchall()[0][0]))
    repeated = {".".join(place): count for place, count in found.items() if count}
    return Gate(
        name="ids",
        met=not repeated,
        says=f"UUIDs stand more than once: {_counts(repeated)}"
        if repeated
        else f"unique in {len(indexed) + len(found)} tables, in {len(indexed)} of them by an index",
        remedy="Delete the rows that are too many, and give the column its primary key again.",
        count=sum(repeated.values()),
        evidence={"indexed": len(indexed), "repeated": repeated},
    )


def _bijective(target: Connection, seen: Migration, of: Mapping[str, Sequence[str]]) -> Gate:
    """Whether each live legacy key has a UUID of its own, and the one that an override gives it.

    Rows that join those of another entity have that one's UUIDs.
    """
    shared = {name: len(keys) for name, keys in of.items() if keys}
    counted = {name: reconciling.astray(target, seen.entities[name]) for name in of}
    astray = {name: count for name, count in counted.items() if count}
    wrong = {
        f"several keys have one UUID: {_counts(shared)}": shared,
        f"keys do not have the UUID of their override: {_counts(astray)}": astray,
    }
    says = "; ".join(text for text, found in wrong.items() if found)
    return Gate(
        name="mapping",
        met=not says,
        says=says or f"each live key of {len(of)} entities has a UUID of its own",
        remedy="The mapping or an override was changed by hand: restore it. understudy trace shows the life of a row.",
        count=sum(shared.values()) + sum(astray.values()),
        evidence={"shared": shared, "overrides": astray},
    )


def _sequences(target: Connection, migration: Migration, seen: Migration) -> Gate:
    """Whether sequences are beyond the numbers in their columns.

    A column that a rule writes has its numbers from the source, and its sequence is the cutover's to set. Elsewhere
    the numbers come from the sequence itself: one that is behind them gives some of them again.
    """
    written = {
        (*entity.target.place, column)
        for entity in migration.entities.values()
        for column in entity.columns
    }
    found = [one for one in sequences.look(target, seen) if one.place not in written]
    behind = [one for one in found if one.is_behind]
    return Gate(
        name="sequences",
        met=not behind,
        says="; ".join(
            f"{one.sequence} is at {one.at}, {one.column} at {one.highest}" for one in behind
        )
        or f"{len(found)} number columns that no rule writes, none is behind",
        remedy="SELECT setval('SEQUENCE', (SELECT max(COLUMN) FROM TABLE)) on the target.",
        count=len(behind),
        evidence={"sequences": [one.as_json() for one in found]},
    )


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} in {place}" for place, count in found.items())
