"""Which legacy rows name a parent that the source does not have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from consumers.identity import legacy_keys, normal_form
from ops.databases import Connection
from ops.proof import source_rows
from ops.proof.plans import Plans
from schemas.errors import SourceError
from schemas.rules import Missing, Ref
from schemas.table import Table

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
    found: dict[str, str] = {}
    for column, rule in _asked(plans, name):
        absent = _absent(source, plans, rule, plans.tables[name], legacy)
        says = f"{column}: {rule.ref} has no such row"
        keys = plans.stages[name].keys(legacy).filter(absent)
        found |= dict.fromkeys(keys.to_list(), says)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Parents:
    """The rows that some rows refer to by one column.

    Attributes:
        keys: Of the parent, one a row; None where it names none.
        rows: The parents that are there, whole.
    """

    column: str
    entity: str
    keys: Sequence[str | None]
    rows: Sequence[pl.DataFrame]


def parents(source: Connection, plans: Plans, name: str, legacy: pl.DataFrame) -> Iterator[Parents]:
    """Whom the rows of an entity refer to, by each reference of which `find` asks, with its arguments."""
    for column, rule in _asked(plans, name):
        parts = _parts(rule, plans.tables[name], legacy)
        key = [one.name for one in plans.stages[rule.ref].plan.key]
        yield Parents(
            column=column,
            entity=rule.ref,
            keys=legacy_keys(parts).to_list(),
            rows=_rows_of(source, plans.tables[rule.ref], key, parts) or (),
        )


def _asked(plans: Plans, name: str) -> Iterator[tuple[str, Ref]]:
    """The references of an entity for which a row waits, and of which the source can be asked."""
    plan = plans.stages[name].plan
    for reference in plan.references:
        rule = plan.entity.columns[reference.column]
        is_named = isinstance(rule, Ref) and rule.columns and not reference.lookup
        if isinstance(rule, Ref) and is_named and reference.missing in _WAITING:
            yield reference.column, rule


def _absent(
    source: Connection, plans: Plans, rule: Ref, table: Table, legacy: pl.DataFrame
) -> pl.Series:
    """Of each row, whether it names a parent, and that is not there."""
    parts = _parts(rule, table, legacy)
    refs, key = legacy_keys(parts), plans.stages[rule.ref].plan.key
    narrow = replace(plans.tables[rule.ref], columns=tuple(key))
    rows = _rows_of(source, narrow, [column.name for column in key], parts)
    if rows is None:
        return pl.repeat(value=False, n=len(refs), eager=True)
    there: set[str] = set()
    for block in rows:
        known = [normal_form(block[column.name], column.base) for column in key]
        there |= set(legacy_keys(known).to_list())
    return refs.is_not_null() & ~refs.is_in(list(there)).fill_null(value=False)


def _parts(rule: Ref, table: Table, legacy: pl.DataFrame) -> list[pl.Series]:
    """The columns by which rows name a parent, in the form of keys."""
    own = [column for one in rule.columns if (column := table.column(one))]
    return [normal_form(legacy[column.name], column.base) for column in own]


def _rows_of(
    source: Connection, parent: Table, key: Sequence[str], parts: Sequence[pl.Series]
) -> list[pl.DataFrame] | None:
    """The rows that a parent has of the keys in the columns `parts`; None: it cannot be asked for them."""
    asked = pl.DataFrame(parts).drop_nulls().unique()
    texts = [series.to_list() for series in asked.iter_columns()]
    try:
        return list(source_rows.blocks(source, source_rows.rows_of(parent, key, texts)))
    except SourceError as error:
        if str(error.context.get("sqlstate")).startswith(_NO_VALUE):
            return None  # One of the texts is no value of the key's type.
        raise
