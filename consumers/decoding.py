"""Records of a batch to columns: grouped by the schema that each was written with, then laid over the newest table."""

from collections.abc import Callable, Sequence
from itertools import chain, compress, repeat
from operator import itemgetter

import polars as pl

from consumers import images
from consumers.buffer import Load
from schemas.avro_read import PREFIX_BYTES, EnvelopeReader, frame_name, schema_id
from schemas.table import Table

META = ("__epoch", "__lsn", "__ordinal", "__op", "__unavailable", "__partition", "__offset")
_prefix_of = itemgetter(slice(0, PREFIX_BYTES))


def ids(load: Load) -> tuple[int, ...]:
    """The ids of the schemas in a batch, in rising order.

    Raises:
        RecordError: A record does not have the wire format.
    """
    values = _present(load)
    # One value of each prefix is enough.
    return tuple(
        sorted(map(schema_id, dict(zip(map(_prefix_of, values), values, strict=True)).values()))
    )


def frame(load: Load, table: Table, reader: Callable[[int], EnvelopeReader]) -> pl.DataFrame:
    """The rows of a batch, without its tombstones.

    Args:
        load: The batch.
        table: The newest version of the legacy table; what a record lacks of it is unavailable.
        reader: Gives the reader of a schema id.

    Returns:
        As `EnvelopeReader.read` returns it for `table`, with `__partition` Int32 and `__offset` Int64.

    Raises:
        RecordError: A record is not written with its schema.
    """
    values, places = _present(load), _places(load)
    prefixes = set(map(_prefix_of, values))
    if len(prefixes) == 1:
        parts = [_read(values, places, table, reader)]
    else:
        parts = [
            _read(*_chosen(prefix, values, places), table, reader) for prefix in sorted(prefixes)
        ]
    return pl.concat(parts, how="vertical_relaxed")


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


def _read(
    values: Sequence[bytes],
    places: pl.DataFrame,
    table: Table,
    reader: Callable[[int], EnvelopeReader],
) -> pl.DataFrame:
    read = reader(schema_id(values[0])).read(values)
    return _conformed(pl.concat([read, places], how="horizontal"), table)


def _conformed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows of any version of the table as rows of this one: columns that theirs lacked are unavailable, not NULL."""
    lacking = [column for column in table.columns if frame_name(column.name) not in rows.columns]
    if lacking:
        names = [column.name for column in lacking]
        empty = [pl.lit(None).alias(frame_name(name)) for name in names]
        rows = rows.with_columns(_lacking(names), *empty)
    legacy = [pl.col(frame_name(c.name)).cast(images.frame_type(c)) for c in table.columns]
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
