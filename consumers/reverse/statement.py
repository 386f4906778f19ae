"""The SQL of the way back on the legacy database, from the plans of a target table. Pure.

All rows of a batch of one target table stand in one stage, numbered in commit order; a statement takes a range of them.
An entity's expressions are evaluated in a subquery over the stage alone, so that a name never means a legacy column.
"""

from consumers.conversion import bounded, ident, literal
from consumers.reverse.plan import Back, TableBack, Way

NUMBER = "__n"
KINDS = NEW, PUT, GONE = "n", "p", "d"
_RANGE = f"s.{ident(NUMBER)} BETWEEN $1 AND $2"


def stage(table: TableBack) -> str:
    """Name of the temporary table, quoted."""
    return ident("pg_temp", bounded(f"back_{table.label}"))


def stage_columns(table: TableBack) -> dict[str, str]:
    """The columns of the stage with their types: number, kinds and legacy keys, then those of the target."""
    columns = {NUMBER: "bigint"}
    references: dict[str, str] = {}
    for back in table.entities:
        columns[back.kind_column] = '"char"'
        columns[back.owes_column] = "boolean"
        columns |= {back.key_column(place): "text" for place in range(len(back.key))}
        references |= {reference.staged: "text" for reference in back.references}
    theirs = {column.name: column.base for column in table.target.columns if not column.generated}
    return columns | theirs | references


def create_stage(table: TableBack) -> str:
    """The stage, empty."""
    name = stage(table)
    columns = ", ".join(f"{ident(name)} {kind}" for name, kind in stage_columns(table).items())
    return f"""
    DROP TABLE IF EXISTS {name};
    CREATE TEMPORARY TABLE {name.partition(".")[2]} ({columns});
    CREATE INDEX ON {name} ({ident(NUMBER)})"""


def empty_stage(table: TableBack) -> str:
    """Take all rows out of the stage."""
    return f"DELETE FROM {stage(table)}"


def faults(table: TableBack, back: Back) -> str | None:
    """The first row with a value that is none of its legacy column: number and column; None: there cannot be one."""
    ways = [*back.ways, *(way for way in back.key_ways if way)]
    cases = " ".join(f"WHEN {w.fault} THEN {literal(w.column.name)}" for w in ways if w.fault)
    if not cases:
        return None
    return f"""
    SELECT f."__n", f.fault FROM (
        SELECT s.{ident(NUMBER)} AS "__n", CASE {cases} END AS fault
        FROM {stage(table)} s WHERE s.{ident(back.kind_column)} IN ('{NEW}', '{PUT}')) f
    WHERE f.fault IS NOT NULL ORDER BY 1 LIMIT 1"""


def natural_keys(table: TableBack, back: Back) -> str:
    """The legacy keys as the rows of the stage say them: number and a text for each column of the key, or NULL."""
    parts = ", ".join(
        f"CAST(CAST({way.value} AS {way.column.type}) AS text)" if way else "CAST(NULL AS text)"
        for way in back.key_ways
    )
    return f"""
    SELECT s.{ident(NUMBER)}, {parts} FROM {stage(table)} s
    WHERE s.{ident(back.kind_column)} IN ('{NEW}', '{PUT}') ORDER BY 1"""


def insert(table: TableBack, back: Back) -> str:
    """Insert the new rows of a range."""
    return _inserting(table, back, NEW, "true")


def restore(table: TableBack, back: Back) -> str:
    """Insert the rows of a range that are put and that the legacy table does not have."""
    return _inserting(
        table, back, PUT, f"NOT EXISTS (SELECT FROM {_legacy(back)} t WHERE {_same(back)})"
    )


def _inserting(table: TableBack, back: Back, kind: str, condition: str) -> str:
    keys = [column.name for column in back.key]
    columns = ", ".join(ident(name) for name in (*keys, *(w.column.name for w in back.ways)))
    values = ", ".join(
        (
            *(f"v.{ident(back.key_column(n))}" for n in range(len(keys))),
            *(f"v.{ident(w.column.name)}" for w in back.ways),
        )
    )
    return f"""
    INSERT INTO {_legacy(back)} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {values} FROM {_shaped(table, back, kind, back.ways)} v WHERE {condition} ORDER BY v."__n\""""


def moved(table: TableBack, back: Back) -> str:
    """The first row from a number on that says another legacy key than it has: its number, and the new key's texts."""
    news = []
    for way, column, place in zip(back.key_ways, back.key, range(len(back.key)), strict=True):
        old = f"CAST(s.{ident(back.key_column(place))} AS {column.type})"
        news.append(f"coalesce(CAST({way.value} AS {column.type}), {old})" if way else old)
    olds = (
        f"CAST(s.{ident(back.key_column(place))} AS {column.type})"
        for place, column in enumerate(back.key)
    )
    differs = " OR ".join(f"{new} <> {old}" for new, old in zip(news, olds, strict=True))
    texts = ", ".join(f"CAST({new} AS text)" for new in news)
    return f"""
    SELECT s.{ident(NUMBER)}, {texts} FROM {stage(table)} s
    WHERE s.{ident(NUMBER)} >= $1 AND s.{ident(back.kind_column)} = '{PUT}' AND ({differs}) ORDER BY 1 LIMIT 1"""


def rename(back: Back) -> str:
    """Give a legacy row another key; the parameters are the texts of the new key, then those of the old one."""
    size = len(back.key)
    news = (
        f"{ident(column.name)} = CAST(${place + 1}::text AS {column.type})"
        for place, column in enumerate(back.key)
    )
    olds = (
        f"{ident(column.name)} = CAST(${size + place + 1}::text AS {column.type})"
        for place, column in enumerate(back.key)
    )
    return f"UPDATE {_legacy(back)} SET {', '.join(news)} WHERE {' AND '.join(olds)}"


def update(table: TableBack, back: Back, without: frozenset[str]) -> str:
    """Update the rows of a range that are put.

    Where the forward side owes a reference, the legacy row says more than the target, and goes on saying it.

    Args:
        table: Of the stage.
        back: The entity.
        without: Target columns that the events do not have; what depends on them stays.
    """
    ways = [way for way in back.ways if not (way.reads & without or way.column.identity)]
    changes = ", ".join(f"{ident(way.column.name)} = {_changed(back, way)}" for way in ways)
    first = ident(back.key[0].name)
    return f"""
    UPDATE {_legacy(back)} t SET {changes or f"{first} = t.{first}"}
    FROM {_shaped(table, back, PUT, ways)} v WHERE {_same(back)}"""


def _changed(back: Back, way: Way) -> str:
    name = ident(way.column.name)
    if not way.owed:
        return f"v.{name}"
    return f"CASE WHEN v.{name} IS NULL AND v.{ident(back.owes_column)} THEN t.{name} ELSE v.{name} END"


def delete(table: TableBack, back: Back) -> str:
    """Delete the rows of a range that are deleted."""
    return f"DELETE FROM {_legacy(back)} t USING {_shaped(table, back, GONE, ())} v WHERE {_same(back)}"


def excluded(table: TableBack, back: Back) -> str | None:
    """The first written row that the entity's `where` leaves out: its number; None where there is no such rule."""
    if back.entity.where is None:
        return None
    kept = f"(SELECT (\n{back.entity.where}\n) IS TRUE FROM (SELECT t.*) AS row)"
    keys = (
        f"CAST(s.{ident(back.key_column(n))} AS {column.type}) AS {ident(back.key_column(n))}"
        for n, column in enumerate(back.key)
    )
    return f"""
    SELECT v."__n" FROM (
        SELECT s.{ident(NUMBER)} AS "__n", {", ".join(keys)}
        FROM {stage(table)} s WHERE s.{ident(back.kind_column)} IN ('{NEW}', '{PUT}')) v
    JOIN {_legacy(back)} t ON {_same(back)}
    WHERE NOT {kept} ORDER BY 1 LIMIT 1"""


def _shaped(table: TableBack, back: Back, kind: str, ways: "list[Way] | tuple[Way, ...]") -> str:
    """The legacy columns of the rows of a range of one kind, as a subquery."""
    keys = (
        f"CAST(s.{ident(back.key_column(n))} AS {column.type}) AS {ident(back.key_column(n))}"
        for n, column in enumerate(back.key)
    )
    values = (f"{way.value} AS {ident(way.column.name)}" for way in ways)
    own = (f"s.{ident(name)} AS {ident(name)}" for name in (NUMBER, back.owes_column))
    return f"""(
        SELECT {", ".join((*own, *keys, *values))}
        FROM {stage(table)} s WHERE {_RANGE} AND s.{ident(back.kind_column)} = '{kind}')"""


def _same(back: Back) -> str:
    """That a legacy row (alias t) is the one of a shaped row (alias v)."""
    return " AND ".join(
        f"t.{ident(column.name)} = v.{ident(back.key_column(n))}"
        for n, column in enumerate(back.key)
    )


def _legacy(back: Back) -> str:
    return ident(*back.entity.source.place)
