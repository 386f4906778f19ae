"""The original row as JSON: how it is kept in the mapping, and how it is read back.

Integers and booleans are JSON numbers and booleans; every other value is the text that PostgreSQL prints, so that
nothing is lost on the way (a JSON number would lose the zeros of a numeric, and cannot be NaN).
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from schemas.table import Column

# How a column stands in a frame (as schemas.avro_read yields it) and in an image.
FRAME_TYPES: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "smallint": pl.Int32(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "bytea": pl.Binary(),
}
_AS_TEXT = (pl.Float32, pl.Float64, pl.Binary)
# From this power of ten on PostgreSQL prints an exponent (FLT_DIG and DBL_DIG of C), and below the other.
_EXPONENT_FROM: dict[pl.DataType, int] = {pl.Float32(): 6, pl.Float64(): 15}
_EXPONENT_BELOW = -4
_NO_NUMBERS = {"NaN": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def frame_type(column: Column) -> pl.DataType:
    """The type of a legacy column in a frame."""
    return FRAME_TYPES.get(column.base, pl.String())


def texts(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as PostgreSQL takes it from COPY and JSON: floats and bytes become text."""
    column = pl.col(name)
    if kind == pl.Binary:
        return pl.concat_str(pl.lit("\\x"), column.bin.encode("hex")).alias(name)
    if isinstance(kind, _AS_TEXT):
        return column.map_batches(float_texts, return_dtype=pl.String)
    return column


def float_texts(column: pl.Series) -> pl.Series:
    """Floats as PostgreSQL prints them: the fewest digits that mean them, with an exponent if large or small.

    Where those digits lie exactly between two floats (integers beyond 2^53) PostgreSQL adds one more.
    Source: PostgreSQL manual, "Floating-Point Types".
    """
    printed = column.cast(pl.String)
    distinct = printed.drop_nulls().unique()
    limit = _EXPONENT_FROM[column.dtype]
    texts = [_NO_NUMBERS.get(text) or _number(Decimal(text), limit) for text in distinct.to_list()]
    return printed.replace_strict(distinct, pl.Series(texts, dtype=pl.String), default=None)


def _number(number: Decimal, limit: int) -> str:
    if not number or _EXPONENT_BELOW <= number.adjusted() < limit:
        return f"{number.normalize():f}"
    first, *rest = map(str, number.normalize().as_tuple().digits)
    digits = f"{first}.{''.join(rest)}" if rest else first
    return f"{'-' * number.is_signed()}{digits}e{number.adjusted():+03d}"


def encode(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.Series:
    """One JSON object per row.

    Args:
        frame: Holds the legacy columns under their names.
        columns: Which of them, and in which order.
    """
    if not columns:
        return pl.Series(["{}"] * frame.height, dtype=pl.String)
    fields = [texts(column.name, frame_type(column)) for column in columns]
    return frame.select(pl.struct(fields).struct.json_encode()).to_series()


def decode(images: pl.Series, columns: Sequence[Column]) -> pl.DataFrame:
    """The legacy columns of images that `encode` wrote; NULL images yield NULLs."""
    if not columns:
        return pl.DataFrame(height=len(images))
    stored = {
        column.name: pl.String() if isinstance(frame_type(column), _AS_TEXT) else frame_type(column)
        for column in columns
    }
    rows = images.str.json_decode(pl.Struct(stored)).struct.unnest()
    return rows.select(_restored(column) for column in columns)


def _restored(column: Column) -> pl.Expr:
    kind, stored = frame_type(column), pl.col(column.name)
    if kind == pl.Binary:
        return stored.str.strip_prefix("\\x").str.decode("hex")
    return stored.cast(kind)
