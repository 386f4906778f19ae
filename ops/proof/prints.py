"""Rows of both sides as a number each: equal rows have equal numbers, and no row need be sent to the other side.

A stretch of the source and a stretch of the target are read independently of each other, in the order in which their
tables have them. What is left over, rows whose number the target does not have, is then compared in full: a row that
differs passes unseen only where its 64 bits happen to be those of some row of the target: among a million rows once in
18 million million such faults.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl

from consumers.plain import Plain
from ops.databases import Connection
from ops.proof import source_rows
from ops.proof.source_rows import Stretch
from schemas.errors import RecordError
from schemas.table import Table

# References repeat: the more rows are taken together, the fewer UUIDs are computed twice.
BLOCK_ROWS = 50_000
PRINT = pl.UInt64()


@dataclass(slots=True, kw_only=True)
class Prints:
    """What is known of the rows of one entity; grows while they are read.

    Attributes:
        expected: The number of each legacy row, in parts; NULL where no row can be made of it.
        found: Of the target's rows.
    """

    expected: list[pl.Series] = field(default_factory=list, repr=False)
    found: list[pl.Series] = field(default_factory=list, repr=False)

    def differing(self, keys: list[pl.Series]) -> list[str]:
        """Of legacy keys, those whose row the target does not have as it is expected; in order.

        Args:
            keys: In the parts of `expected`.
        """
        nothing = pl.Series(dtype=PRINT)
        ours = pl.DataFrame(
            {
                "key": pl.concat([pl.Series(dtype=pl.String), *keys]),
                "print": pl.concat([nothing, *self.expected]),
            }
        )
        theirs = pl.DataFrame({"print": pl.concat([nothing, *self.found])})
        return ours.join(theirs, on="print", how="anti")["key"].sort().to_list()


def target_table(plain: Plain) -> Table:
    """The target table with the columns that are compared."""
    return replace(plain.stage.plan.target.table, columns=plain.columns)


def of_source(
    plain: Plain, connection: Connection, stretch: Stretch
) -> Iterator[tuple[pl.Series, pl.Series]]:
    """The legacy keys of a stretch, and the numbers of the rows that are expected; in blocks.

    Raises:
        SourceError: The table cannot be read.
    """
    for printed in source_rows.texts(connection, stretch, BLOCK_ROWS):
        legacy = source_rows.typed(printed, stretch.table.columns)
        yield plain.stage.keys(legacy), _expected(plain, printed, legacy)


def _expected(plain: Plain, printed: pl.DataFrame, legacy: pl.DataFrame) -> pl.Series:
    try:
        return plain.expected(printed, legacy).hash_rows()
    except RecordError:  # Which row it is will be found out when they are compared in full.
        return pl.Series([None] * printed.height, dtype=PRINT)


def of_target(plain: Plain, connection: Connection, stretch: Stretch) -> Iterator[pl.Series]:
    """The numbers of the rows of a stretch of `target_table`, in blocks."""
    for printed in source_rows.printed(connection, stretch, BLOCK_ROWS):
        yield plain.found(printed).hash_rows()
