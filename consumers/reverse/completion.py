"""Rows that are new to the legacy side, of which an event lacks a large value: the target still has it."""

import polars as pl

from consumers.conversion import ident
from consumers.reverse.batch import Rows
from consumers.reverse.control import Connection
from consumers.reverse.statement import NEW, NUMBER


def completed(target: Connection, rows: Rows) -> Rows:
    """Fill in what events of new rows lack, as the target has it now.

    What it has now is what a later event says, if it differs. Of a row that is gone there a delete follows.
    """
    places = [
        place
        for place, lacking in enumerate(rows.frame["__unavailable"].to_list())
        if lacking and any(kinds[place] == NEW for kinds in rows.kinds)
    ]
    frame = rows.frame
    for place in places:
        frame = _filled(target, rows, frame, place)
    return Rows(table=rows.table, frame=frame, kinds=rows.kinds)


def _filled(target: Connection, rows: Rows, frame: pl.DataFrame, place: int) -> pl.DataFrame:
    names = [str(name) for name in frame["__unavailable"][place]]
    table = ident(rows.table.target.schema, rows.table.target.name)
    kinds = {name: frame.schema[name] for name in names}
    values = ", ".join(
        ident(name) if kinds[name] == pl.Binary else f"CAST({ident(name)} AS text)"
        for name in names
    )
    query = f"SELECT {values} FROM {table} WHERE {ident(rows.table.id_column)} = CAST(%s AS uuid)"
    found = target.execute(query.encode(), [rows.ids[place]]).fetchone()
    if found is None:
        return frame
    here = pl.col(NUMBER) == frame[NUMBER][place]
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return frame.with_columns(
        *(
            pl.when(here).then(pl.lit(value, dtype=kinds[name])).otherwise(pl.col(name)).alias(name)
            for name, value in zip(names, found, strict=True)
        ),
        pl.when(here).then(nothing).otherwise("__unavailable").alias("__unavailable"),
    )
