"""Which legacy rows name a parent that the source does not have."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from consumers.identity import legacy_keys, normal_form
from ops.databases import Connection
from ops.proof import source_rows
from ops.proof.plans import Plans
from schemas.errors import SourceError
from schemas.rules import Missing, Ref
from schemas.table import Column, Table

_NO_VALUE = "22"  # The class of the data exceptions.
_WAITING = (Missing.PARK, Missing.DEAD_LETTER)


def find(source: Connection, plans: Plans, name: str, legacy: pl.DataFrame) -> dict[str, str]:
    """What the rows of an entity would wait for, by legacy key.

    References by another key of the parent, or by `sql`, are not asked for.

    Args:
        source: Is asked for the parents.
        plans: Of the entity and its parents.
        name: Of the entity.
        legacy: Whole rows.
    """
    stage, found = plans.stages[name], dict[str, str]()
    for reference in stage.plan.references:
        rule = stage.plan.entity.columns[reference.column]
        if not isinstance(rule, Ref) or not rule.columns or reference.lookup:
            continue
        if reference.missing in _WAITING:
            absent = _absent(source, plans, rule, plans.tables[name], legacy)
            says = f"{reference.column}: {rule.ref} has no such row"
            found |= dict.fromkeys(stage.keys(legacy).filter(absent).to_list(), says)
    return found


def _absent(
    source: Connection, plans: Plans, rule: Ref, table: Table, legacy: pl.DataFrame
) -> pl.Series:
    """Of each row, whether it names a parent, and that is not there."""
    own = [column for one in rule.columns if (column := table.column(one))]
    parts = [normal_form(legacy[column.name], column.base) for column in own]
    refs = legacy_keys(parts)
    there = _present(source, plans.tables[rule.ref], plans.stages[rule.ref].plan.key, parts)
    if there is None:
        return pl.repeat(value=False, n=len(refs), eager=True)
    return refs.is_not_null() & ~refs.is_in(list(there)).fill_null(value=False)


def _present(
    source: Connection, parent: Table, key: Sequence[Column], parts: Sequence[pl.Series]
) -> set[str] | None:
    """The legacy keys that a parent has, of those in the columns `parts`; None: it cannot be asked for them."""
    asked = pl.DataFrame(parts).drop_nulls().unique()
    texts = [series.to_list() for series in asked.iter_columns()]
    narrow = replace(parent, columns=tuple(key))
    there: set[str] = set()
    stretch = source_rows.rows_of(narrow, [column.name for column in key], texts)
    try:
        for block in source_rows.blocks(source, stretch):
            known = [normal_form(block[column.name], column.base) for column in key]
            there |= set(legacy_keys(known).to_list())
    except SourceError as error:
        if str(error.context.get("sqlstate")).startswith(_NO_VALUE):
            return None  # One of the texts is no value of the key's type.
        raise
    return there
