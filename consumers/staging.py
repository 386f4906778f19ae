"""Frames into staging tables, in PostgreSQL's text format of COPY.

The text format and not CSV: before PostgreSQL 18 a line that holds only backslash-dot ends a CSV too, quoted or not.
Source: PostgreSQL manual, "COPY", "Text Format".
"""

import io
from dataclasses import dataclass

import polars as pl
import psycopg

from consumers.conversion import ident

# The backslash first: the escapes of the others bring new ones.
_SPECIAL = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def copy_text(frame: pl.DataFrame) -> memoryview:
    """A frame as lines of COPY's text format, in its order of columns."""
    buffer = io.BytesIO()
    found = _found(frame)
    frame.select(_column(series, found) for series in frame).write_csv(
        buffer, include_header=False, separator="\t", null_value="\\N", quote_style="never"
    )
    return buffer.getbuffer()


def _found(frame: pl.DataFrame) -> set[tuple[str, str]]:
    """Which special characters occur in which columns, found out for all columns at once."""
    texts = pl.col(pl.String)
    occurs = (
        texts.str.contains(character, literal=True).any().name.suffix(character)
        for character in _SPECIAL
    )
    flags = frame.select(occurs).to_dict(as_series=False)
    return {(name[:-1], name[-1]) for name, flag in flags.items() if flag == [True]}


def _column(series: pl.Series, found: set[tuple[str, str]]) -> pl.Expr:
    column = pl.col(series.name)
    if series.dtype == pl.Binary:
        return pl.concat_str(pl.lit("\\\\x"), column.bin.encode("hex")).alias(series.name)
    if isinstance(series.dtype, (pl.Float32, pl.Float64)):
        return column.cast(pl.String)  # Any text that means the value will do for a typed column.
    # One pass for each character: on long texts three times as fast as looking for all of them at once.
    for character, escape in _SPECIAL.items():
        if (series.name, character) in found:
            column = column.str.replace_all(character, escape, literal=True)
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Rows on their way into a table; what is not among their columns is NULL."""

    columns: tuple[str, ...]
    text: memoryview


def lines_of(frame: pl.DataFrame) -> Lines:
    """The rows of a frame. Each field costs the target some time, so a column without any value does not travel."""
    first, *others = frame.columns
    kept = [name for name in others if frame[name].null_count() < frame.height]
    return Lines(columns=(first, *kept), text=copy_text(frame.select(first, *kept)))


def copy_into(cursor: psycopg.Cursor[tuple[object, ...]], table: str, lines: Lines) -> None:
    """COPY rows into a table.

    Args:
        cursor: Inside the transaction.
        table: Quoted name.
        lines: Of a frame whose columns are named as the table's.
    """
    names = ", ".join(ident(name) for name in lines.columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        copy.write(lines.text)
