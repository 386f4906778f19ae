"""The account as tables for a terminal. Pure."""

from collections.abc import Iterator, Sequence

from ops.proof.account import Account, EntityAccount
from ops.proof.classes import Class

Tables = Iterator[tuple[Sequence[str], list[tuple[object, ...]]]]
HEADINGS = (
    "entity", "legacy table", "source", "target", "merged", "dead letters", "parked", "excluded",
    "repaired", "unaccounted",
)  # fmt: skip
# What a narrow terminal leaves out, the least important first.
SPARE = ("legacy table", "repaired", "merged", "excluded")


def tables(account: Account) -> Tables:
    """Rows by entity, reasons, totals, and what nobody reads; empty ones are left out."""
    yield HEADINGS, [_row(entity) for entity in account.entities]
    reasons = [row for entity in account.entities for row in _reasons(entity)]
    if reasons:
        yield ("entity", "rows", "what", "reason"), reasons
    totals: list[tuple[object, ...]] = [
        (
            e.entity,
            t.column,
            t.by or "",
            t.group or "",
            t.source,
            t.target,
            _mark(t.problem, agrees=t.agrees),
        )
        for e in account.entities
        for t in e.totals
        if t.by is None or not t.agrees
    ]
    if totals:
        yield ("entity", "column", "by", "of", "source total", "target total", ""), totals
    if account.unread:
        rows: list[tuple[object, ...]] = list(account.unread.items())
        yield ("legacy table that no entity reads", "rows, about"), rows


def _row(entity: EntityAccount) -> tuple[object, ...]:
    counts = (
        entity.counts[class_] or ""
        for class_ in (Class.MERGED, Class.DEAD_LETTER, Class.PARKED, Class.EXCLUDED)
    )
    unaccounted = len(entity.unaccounted) + len(entity.extra)
    return (
        entity.entity, entity.source, entity.rows, entity.counts[Class.TARGET], *counts,
        entity.repaired or "", unaccounted,
    )  # fmt: skip


def _reasons(entity: EntityAccount) -> Iterator[tuple[object, ...]]:
    for what, reasons in (
        ("dead letters", entity.dead_letters),
        ("parked", entity.parked),
        ("excluded", entity.excluded),
    ):
        for reason, rows in reasons.items():
            yield entity.entity, rows, what, reason
    for what, keys in (("unaccounted", entity.unaccounted), ("extra", entity.extra)):
        if keys:
            yield entity.entity, len(keys), what, "key " + ", ".join(keys[:5])


def _mark(problem: str, *, agrees: bool) -> str:
    if problem:
        return f"not added up: {problem}"
    return "" if agrees else "DIFFERS"
