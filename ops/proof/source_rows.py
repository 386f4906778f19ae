"""Legacy rows in columns, as the envelope reader yields them, a stretch of a table at a time.

A table is cut by its pages, whatever its key is; a partitioned one is read whole.
Source: PostgreSQL manual, "System Columns" (ctid) and "TABLESAMPLE".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
from psycopg import sql

from consumers import images
from ops.databases import Connection
from ops.preflight import catalogs
from ops.proof import fetched
from producers.copy_out import from_item
from producers.source import source_errors
from schemas.entity import Entity
from schemas.envelope import published
from schemas.errors import SourceUnfitError
from schemas.table import CATALOG_SQL, Column, Table, tables_of

STRETCH_BYTES = 32_000_000
_PAGES = """
SELECT pg_relation_size(oid) / CAST(current_setting('block_size') AS int),
    CAST(current_setting('block_size') AS int), pg_relation_size(nullif(reltoastrelid, 0)) > 0
FROM pg_catalog.pg_class WHERE oid = %s"""
_ESTIMATE = "SELECT reltuples FROM pg_catalog.pg_class WHERE oid = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some rows of a table.

    Attributes:
        item: What stands after FROM.
        pages: Only the rows on these, of a table that keeps no value elsewhere.
    """

    table: Table
    item: sql.Composable
    pages: range | None = None


def tables(connection: Connection, entities: Sequence[Entity]) -> dict[str, Table]:
    """The legacy tables of entities, by name, as their topics have them: generated columns do not travel.

    Raises:
        SourceError: One of them does not exist.
    """
    places = catalogs.places([entity.source.place for entity in entities])
    found = tables_of(connection.execute(CATALOG_SQL, places).fetchall())
    for entity in entities:
        if entity.source.place not in found:
            raise SourceUnfitError("the legacy table does not exist", table=str(entity.source))
    return {
        entity.name: replace(table, columns=published(table))
        for entity in entities
        for table in [found[entity.source.place]]
    }


def all_rows(connection: Connection, table: Table) -> list[Stretch]:
    """The whole table in stretches of pages."""
    if table.kind != "r":
        return [Stretch(table=table, item=from_item(table))]
    ((pages, block, elsewhere),) = connection.execute(_PAGES, [table.oid]).fetchall()
    count, step = int(str(pages)), STRETCH_BYTES // int(str(block))
    stretches = [range(first, min(first + step, count)) for first in range(0, count, step)]
    return [_of_pages(table, numbers, by_row=bool(elsewhere)) for numbers in stretches]


def _of_pages(table: Table, pages: range, *, by_row: bool) -> Stretch:
    item = from_item(table)
    if not by_row:
        return Stretch(table=table, item=item, pages=pages)
    first, end = (sql.Literal(f"({page},0)") for page in (pages.start, pages.stop))
    within = sql.SQL("{} WHERE ctid >= {} AND ctid < {}").format(item, first, end)
    return Stretch(table=table, item=within)


def some_rows(connection: Connection, table: Table, count: int) -> list[Stretch]:
    """About so many rows of a table, picked at random."""
    estimate = float(str(connection.execute(_ESTIMATE, [table.oid]).fetchall()[0][0]))
    percent = min(100.0, 120.0 * count / estimate) if estimate > count else 100.0
    sample = sql.SQL("{} TABLESAMPLE BERNOULLI ({}) LIMIT {}").format(
        from_item(table), sql.Literal(percent), sql.Literal(count)
    )
    return [Stretch(table=table, item=sample)]


def rows_of(table: Table, key: Sequence[str], parts: Sequence[Sequence[str]]) -> Stretch:
    """The rows with some keys.

    Args:
        table: Of the rows.
        key: The columns of the key.
        parts: The texts of each of these columns, side by side.
    """
    names = [sql.Identifier(f"k{n}") for n in range(len(key))]
    columns = [column for name in key if (column := table.column(name))]
    same = [
        sql.SQL("t.{} = CAST(k.{} AS {})").format(
            sql.Identifier(column.name), name, sql.SQL(column.type)
        )
        for column, name in zip(columns, names, strict=True)
    ]
    arrays = [sql.SQL("CAST({} AS text[])").format(sql.Literal(list(texts))) for texts in parts]
    item = sql.SQL("{} t JOIN unnest({}) AS k ({}) ON {}").format(
        from_item(table),
        sql.SQL(", ").join(arrays),
        sql.SQL(", ").join(names),
        sql.SQL(" AND ").join(same),
    )
    return Stretch(table=table, item=item)


def blocks(connection: Connection, stretch: Stretch) -> Iterator[pl.DataFrame]:
    """Read a stretch.

    Args:
        connection: Its transaction decides what is seen.
        stretch: The columns of its table are read.

    Yields:
        The legacy columns of some rows, typed as in frames of events.

    Raises:
        SourceError: The table cannot be read.
    """
    for block in texts(connection, stretch):
        yield typed(block, stretch.table.columns)


def texts(
    connection: Connection, stretch: Stretch, rows_max: int = fetched.BLOCK_ROWS
) -> Iterator[pl.DataFrame]:
    """As `blocks`, in the texts that the source prints."""
    read = printed(connection, stretch, rows_max)
    while True:
        # What is done with a block is not the source's: its errors are none of ours.
        with source_errors(table=stretch.table.label):
            block = next(read, None)
        if block is None:
            return
        yield block


def printed(
    connection: Connection, stretch: Stretch, rows_max: int = fetched.BLOCK_ROWS
) -> Iterator[pl.DataFrame]:
    """Read a stretch of a table of either side, a block of rows at a time, in the texts that the server prints."""
    names = [column.name for column in stretch.table.columns]
    if stretch.pages:
        return fetched.of_pages(connection, stretch.item, names, stretch.pages, rows_max)
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("SELECT {} FROM {}").format(listed, stretch.item)
    return fetched.blocks(connection, query, names, rows_max)


def typed(printed_rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Rows as they are printed in the types that they have in frames of events."""
    return printed_rows.select(map(_typed, columns))


def _typed(column: Column) -> pl.Expr:
    """A column of texts in the type that it has in a frame."""
    text, kind = pl.col(column.name), images.frame_type(column)
    if kind == pl.Boolean:
        return text == "t"
    if kind == pl.Binary:
        return text.str.strip_prefix("\\x").str.decode("hex")
    return text.cast(kind)
