"""Records of a batch to columns: grouped by the schema that each was written with, then laid over the newest table."""

from collections.abc import Callable, Sequence
from itertools import chain, compress, repeat
from operator import itemgetter

import polars as pl

from consumers import images
from consumers.buffer import Load
from schemas.avro_read import PREFIX_BYTES, EnvelopeReader, frame_name, schema_id
from schemas.event_id import EventId
from schemas.table import Table

META = (
    "__epoch",
    "__lsn",
    "__ordinal",
    "__op",
    "__unavailable",
    "__moved_to",
    "__partition",
    "__offset",
    "__schema",
)
Parts = dict[int, pl.DataFrame]
_prefix_of = itemgetter(slice(0, PREFIX_BYTES))


def read(load: Load, reader: Callable[[int], EnvelopeReader]) -> Parts:
    """The rows of a batch, without its tombstones.

    Args:
        load: The batch.
        reader: Gives the reader of a schema id.

    Returns:
        By the id of the schema that they were written with, as `EnvelopeReader.read` returns them, with `__partition`
        Int32, `__offset` Int64 and `__schema` Int64.

    Raises:
        RecordError: A record does not have the wire format, or is not written with its schema.
    """
    values, places = _present(load), _places(load)
    prefixes = set(map(_prefix_of, values))
    parts = {}
    for prefix in prefixes:
        chosen = _chosen(prefix, values, places) if len(prefixes) > 1 else (values, places)
        schema = schema_id(chosen[0][0])
        rows = reader(schema).read(chosen[0])
        known = chosen[1].with_columns(pl.lit(schema, dtype=pl.Int64).alias("__schema"))
        parts[schema] = pl.concat([rows, known], how="horizontal")
    return parts


def newest(parts: Parts) -> tuple[EventId, int]:
    """The highest event id in a batch, and the id of the schema of its record."""
    columns = ["__epoch", "__lsn", "__ordinal"]
    tops = (
        (rows.select(columns).top_k(1, by=columns).row(0), schema) for schema, rows in parts.items()
    )
    return max((EventId(*top), schema) for top, schema in tops)


def laid_over(parts: Parts, table: Table) -> pl.DataFrame:
    """All rows of a batch as rows of one version of the table: what a record lacks of it is unavailable, not NULL."""
    return pl.concat([_conformed(rows, table) for _, rows in sorted(parts.items())])


def _present(load: Load) -> list[bytes]:
    return [
        value for value in chain.from_iterable(run.values for run in load.runs) if value is not None
    ]


def _places(load: Load) -> pl.DataFrame:
    present = [value is not None for run in load.runs for value in run.values]
    partitions = chain.from_iterable(repeat(run.partition, len(run.offsets)) for run in load.runs)
    offsets = chain.from_iterable(run.offsets for run in load.runs)
    return pl.DataFrame(
        {
            "__partition": pl.Series(list(compress(partitions, present)), dtype=pl.Int32),
            "__offset": pl.Series(list(compress(offsets, present)), dtype=pl.Int64),
        }
    )


def _chosen(
    prefix: bytes, values: Sequence[bytes], places: pl.DataFrame
) -> tuple[list[bytes], pl.DataFrame]:
    chosen = [value.startswith(prefix) for value in values]
    return list(compress(values, chosen)), places.filter(pl.Series(chosen, dtype=pl.Boolean))


def _conformed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    lacking = [column for column in table.columns if frame_name(column.name) not in rows.columns]
    if lacking:
        names = [column.name for column in lacking]
        empty = [pl.lit(None).alias(frame_name(name)) for name in names]
        rows = rows.with_columns(_lacking(names), *empty)
    legacy = [
        pl.col(frame_name(c.name)).cast(images.frame_type(c)).alias(c.name) for c in table.columns
    ]
    return rows.select(*META, *legacy)


def _lacking(names: Sequence[str]) -> pl.Expr:
    """`__unavailable` with these names; a delete says nothing about columns."""
    texts = pl.List(pl.String)
    known = pl.col("__unavailable").fill_null(pl.lit([], dtype=texts))
    longer = known.list.concat(pl.lit([*names], dtype=texts))
    return (
        pl.when(pl.col("__op") == "d")
        .then("__unavailable")
        .otherwise(longer)
        .alias("__unavailable")
    )
