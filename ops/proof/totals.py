"""Sums of numeric columns on both sides: the rows that have arrived, added up by each server itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from consumers import identity
from consumers.identity import Identity
from consumers.plan import mapping_of
from ops.amounts import how_many
from ops.databases import Connection, first_line
from ops.proof import totals_sql
from ops.proof.totals_sql import Summed
from schemas.rules import Missing, Ref

Sums = dict[str | None, tuple[Decimal | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One sum on both sides.

    Attributes:
        column: Target column.
        by: Column whose values are told apart; None: all rows.
        group: The value, of a reference the parent's legacy key; None: all rows, or NULL.
        source, target: None where no row has a value.
        problem: Why the source cannot add it up; empty if it can.
    """

    column: str
    by: str | None = None
    group: str | None = None
    source: Decimal | None = None
    target: Decimal | None = None
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both are the same, to the last digit; what cannot be added up does not disagree."""
        sides = (self.source, self.target)
        are_nan = all(side is not None and side.is_nan() for side in sides)
        return bool(self.problem) or self.source == self.target or are_nan

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return asdict(self) | {"agrees": self.agrees}


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """What the target has added up for one grouping.

    Attributes:
        lacking: Rows with NULL in place of a parent that may still come: with them the sums say nothing.
    """

    lacking: int
    sums: Sums = field(default_factory=dict)


def of_target(target: Connection, summed: Summed) -> dict[str | None, Theirs]:
    """The sums of the target's rows, by the columns of `totals_by`; that of all rows by None.

    Args:
        target: In the transaction of an exact point.
        summed: The entity.
    """
    if not summed.columns:
        return {}
    return {by: _theirs(target, summed, by) for by in (None, *summed.entity.totals_by)}


def _theirs(target: Connection, summed: Summed, by: str | None) -> Theirs:
    lacking = _lacking(target, summed, by)
    if lacking:
        return Theirs(lacking=lacking)
    rows = target.execute(totals_sql.of_target(summed, by)).fetchall()
    return Theirs(lacking=0, sums=_sums(rows))


def totals(
    source: Connection,
    summed: Summed,
    staying: pl.DataFrame,
    ids: Mapping[str, Identity],
    theirs: Mapping[str | None, Theirs],
) -> list[Total]:
    """All totals of an entity: of each column the whole, and by each column of `totals_by`.

    Args:
        source: In the transaction of an exact point.
        summed: The entity.
        staying: Key values of the rows that are not in the target, as text; char(n) with or without its padding.
        ids: Of the entities that it refers to.
        theirs: As `of_target` has found them.
    """
    keys = [
        identity.unpadded(staying[name], base).to_list()
        for name, base in zip(staying.columns, _bases(summed, summed.key), strict=True)
    ]
    found = []
    for by, their in theirs.items():
        labels: dict[str | None, str] = {}
        if their.lacking:
            problem = f"{how_many(their.lacking, 'row is', 'rows are')} without a parent for now"
            found += [Total(column=c.name, by=by, problem=problem) for c in summed.columns]
            continue
        try:
            with source.transaction():
                rows = source.execute(totals_sql.of_source(summed, by), keys).fetchall()
        except psycopg.Error as error:
            problem = first_line(error)
            found += [Total(column=c.name, by=by, problem=problem) for c in summed.columns]
            continue
        rule = summed.rule(by)
        if isinstance(rule, Ref):
            rows, labels = _named(rows, summed, rule, ids[rule.ref])
        found += _side_by_side(summed, by, _sums(rows), their.sums, labels)
    return found


def _lacking(target: Connection, summed: Summed, by: str | None) -> int:
    """How many rows have NULL in place of a parent that may still come: the source names it, the target does not."""
    rule = summed.rule(by)
    if not isinstance(rule, Ref) or rule.missing is not Missing.NULL:
        return 0
    query = sql.SQL("SELECT count(*) FROM {} WHERE generation = 1 AND owed IS NOT NULL").format(
        sql.Identifier(*mapping_of(summed.entity))
    )
    return int(str(target.execute(query).fetchall()[0][0]))


def _named(
    rows: Sequence[tuple[object, ...]], summed: Summed, rule: Ref, ids: Identity
) -> tuple[list[tuple[object, ...]], dict[str | None, str]]:
    """The rows with the parent's UUID in place of its key, and the key of each UUID."""
    width = len(rule.columns)
    columns = [
        identity.normal_form(pl.Series("k", [row[at] for row in rows], dtype=pl.String), base)
        for at, base in enumerate(_bases(summed, rule.columns))
    ]
    keys = identity.legacy_keys(columns).to_list()
    labels: dict[str | None, str] = {ids.one(key): key for key in keys if key is not None}
    uuids = {key: uuid for uuid, key in labels.items()}
    return [(uuids.get(key), *row[width:]) for key, row in zip(keys, rows, strict=True)], labels


def _bases(summed: Summed, columns: Sequence[str]) -> list[str]:
    found = [summed.legacy.column(name) for name in columns]
    return [column.base if column else "text" for column in found]


def _sums(rows: Sequence[tuple[object, ...]]) -> Sums:
    return {
        None if group is None else str(group): tuple(
            None if value is None else Decimal(str(value)) for value in sums
        )
        for group, *sums in rows
    }


def _side_by_side(
    summed: Summed, by: str | None, ours: Sums, theirs: Sums, labels: Mapping[str | None, str]
) -> list[Total]:
    if labels:  # The target prints a UUID with its hyphens.
        theirs = {group and group.replace("-", ""): sums for group, sums in theirs.items()}
    nothing = (None,) * len(summed.columns)
    return [
        Total(
            column=column.name,
            by=by,
            group=labels.get(group, group),
            source=ours.get(group, nothing)[at],
            target=theirs.get(group, nothing)[at],
        )
        for at, column in enumerate(summed.columns)
        for group in sorted({*ours, *theirs}, key=lambda group: labels.get(group, group or ""))
    ]
