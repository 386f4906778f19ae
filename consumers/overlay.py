"""The newest version of each key.

The mapping, what waits and the batch, laid over one another in the order of event ids.

Pure. A version that lacks columns (unchanged TOAST) is completed from the version under it; the insert of a key change
takes nothing that is older than itself. See design section 3, rules 1 to 6; tests/model is the specification.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import polars as pl

from schemas.event_id import ZERO, EventId
from schemas.table import Column

# What every frame of events has beside the legacy columns; `__unavailable` is NULL where nothing lacks.
META: dict[str, pl.DataType] = {
    "__key": pl.String(),
    "__epoch": pl.Int32(),
    "__lsn": pl.Int64(),
    "__ordinal": pl.Int64(),
    "__op": pl.String(),
    "__unavailable": pl.List(pl.String()),
    "__moved_to": pl.List(pl.String()),
    "__partition": pl.Int32(),
    "__offset": pl.Int64(),
    "__schema": pl.Int64(),
}
FIRST = ("__first_epoch", "__first_lsn", "__first_ordinal")


class Layer(Enum):
    """Where a version comes from. At equal event ids the batch lies under what waits."""

    MAPPING = 0
    BATCH = 1
    WAITING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of one key.

    Attributes:
        row: Its row in the frame.
        missing: Columns that it lacks.
        first: Only an image newer than this completes it.
        withdrawn: For the mapping: the row was taken out of the target, and comes back at an equal id.
        donors: For each column taken from below, the row in the frame that has it.
    """

    layer: Layer
    row: int
    id: EventId
    deleted: bool
    missing: frozenset[str] = frozenset()
    first: EventId = ZERO
    withdrawn: bool = False
    donors: dict[str, int] = field(default_factory=dict)


def newest(versions: Sequence[Version]) -> Version | None:
    """Lay the versions of one key over one another.

    Args:
        versions: Of one key, in any order; at most one of them is the mapping's.

    Returns:
        The version that is to be applied, or to wait; None if all of them are stale.
    """
    mapped = next((version for version in versions if version.layer is Layer.MAPPING), None)
    below, result = mapped, None
    for version in sorted(
        (v for v in versions if v is not mapped), key=lambda v: (v.id, v.layer.value)
    ):
        if mapped and _stale(version, mapped):
            continue
        below = result = _completed(version, below)
    return result


def _stale(version: Version, mapped: Version) -> bool:
    again = version.layer is Layer.WAITING and mapped.withdrawn and version.id == mapped.id
    return version.id <= mapped.id and not again


def _completed(version: Version, below: Version | None) -> Version:
    if not version.missing or below is None or below.deleted:
        return version
    if below.id <= version.first and not below.missing:
        return version
    filled = {name: below.donors.get(name, below.row) for name in version.missing - below.missing}
    missing = version.missing & below.missing
    return replace(
        version,
        missing=missing,
        first=below.first if missing else ZERO,
        donors=version.donors | filled,
    )


def what_counts(events: pl.DataFrame) -> pl.DataFrame:
    """Leave out the versions that a later one of the same batch makes meaningless.

    Args:
        events: `META` and the legacy columns.

    Returns:
        Of each key the event with the highest id, or all where one of them lacks columns. In key order.
    """
    partial = events.filter(pl.col("__unavailable").is_not_null())["__key"].unique()
    ordered = events.sort(["__key", "__epoch", "__lsn", "__ordinal"])
    last = pl.col("__key") != pl.col("__key").shift(-1)
    counts = last.fill_null(value=True)
    if partial.len():
        counts |= pl.col("__key").is_in(partial.implode())
    return ordered.filter(counts)


def lay_over(layers: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The newest version of each key of a frame that holds all layers.

    Args:
        layers: META, FIRST, `__layer` (value of Layer), `__state` (of the mapping) and the legacy columns.
        columns: The legacy columns.

    Returns:
        One row per key that is not stale, with `__unavailable` naming what it still lacks.
    """
    chosen = [
        version for versions in _by_key(layers, columns).values() if (version := newest(versions))
    ]
    rows = layers[[version.row for version in chosen]]
    donated = [
        _donated(layers, chosen, name)
        for name in sorted({name for version in chosen for name in version.donors})
    ]
    missing = pl.Series(
        "__unavailable", [sorted(v.missing) or None for v in chosen], dtype=pl.List(pl.String)
    )
    firsts = [
        pl.Series(name, [v.first[i] for v in chosen], dtype=pl.Int64)
        for i, name in enumerate(FIRST)
    ]
    return rows.with_columns(*donated, missing, *firsts)


def _by_key(layers: pl.DataFrame, columns: Sequence[Column]) -> dict[str, list[Version]]:
    names = {column.name for column in columns}
    found: dict[str, list[Version]] = {}
    wanted = (
        "__key",
        "__layer",
        "__epoch",
        "__lsn",
        "__ordinal",
        "__op",
        "__unavailable",
        *FIRST,
        "__state",
    )
    for row, (key, layer, epoch, lsn, ordinal, op, lacking, *rest) in enumerate(
        layers.select(wanted).iter_rows()
    ):
        version = Version(
            layer=Layer(layer),
            row=row,
            id=EventId(epoch, lsn, ordinal),
            deleted=op == "d",
            missing=frozenset(lacking or ()) & names,
            first=EventId(*rest[:3]) if rest[0] is not None else ZERO,
            withdrawn=rest[3] == "p",
        )
        found.setdefault(key, []).append(version)
    return found


def _donated(layers: pl.DataFrame, chosen: Sequence[Version], name: str) -> pl.Series:
    return layers[name].gather([version.donors.get(name, version.row) for version in chosen])
