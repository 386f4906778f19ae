"""A verification as tables for a terminal. Pure."""

from collections.abc import Iterator, Sequence

from ops.proof.verification import Difference, EntityVerification, Verification
from ops.proof.verified import Stored
from schemas.event_id import lsn_text

Tables = Iterator[tuple[Sequence[str], list[tuple[object, ...]]]]
SHOWN_MAX = 20


def tables(verification: Verification) -> Tables:
    """Rows by entity, rows by reason, and the first faults of each entity; empty ones are left out."""
    rows: list[tuple[object, ...]] = [
        (one.entity, one.rows, one.differing, *_point(one)) for one in verification.resumed
    ]
    rows += [
        (one.entity, one.rows, one.differing, *_point(verification))
        for one in verification.entities
    ]
    yield ("entity", "rows compared", "differ", "LSN", "at"), rows
    reasons: list[tuple[object, ...]] = [
        (entity.entity, count, kind.value)
        for entity in verification.entities
        for kind, count in entity.found.items()
    ]
    if reasons:
        yield ("entity", "rows", "what"), reasons
    faults = [row for entity in verification.entities for row in _faults(entity)]
    if faults:
        yield ("entity", "key", "what", "columns"), faults
    totals: list[tuple[object, ...]] = [
        (entity.entity, total.column, total.by or "", total.group or "", total.source, total.target)
        for entity in verification.entities
        for total in entity.totals
        if not total.agrees
    ]
    if totals:
        yield ("entity", "column", "by", "of", "source total", "target total"), totals

    checks: list[tuple[object, ...]] = [
        (one.name, one.count or 0, one.says, "" if one.met else one.remedy)
        for one in verification.checks
    ]
    if checks:
        yield ("check", "wrong", "says", "remedy"), checks


def _point(of: Verification | Stored) -> tuple[str, str]:
    return lsn_text(of.lsn), f"{of.at:%Y-%m-%d %H:%M:%S}"


def _faults(entity: EntityVerification) -> Iterator[tuple[object, ...]]:
    for difference in entity.differences[:SHOWN_MAX]:
        yield entity.entity, difference.key, difference.kind.value, _columns(difference)
    if len(entity.differences) > SHOWN_MAX:
        yield entity.entity, "...", f"{entity.differing - SHOWN_MAX} more", "--output json"


def _columns(difference: Difference) -> str:
    return ", ".join(
        name
        if values is None
        else f"{name}: expected {_shown(values[0])}, found {_shown(values[1])}"
        for name, values in difference.columns.items()
    )


def _shown(value: str | None) -> str:
    return "NULL" if value is None else repr(value)
