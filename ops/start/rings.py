"""Entities that wait for each other: of each ring, a reference that is filled in later. Pure."""

from collections.abc import Iterator, Sequence

from ops.start.proposal import Proposal, Proposed
from schemas.rules import Missing

_FILLED_LATER = "in a ring of tables: written as NULL first, filled in when its parent is there"
_LOOSENED = (
    "NOT NULL at the source; the target must take NULL, or no row of the ring could be the first"
)
Edge = tuple[str, Proposed]


def open_rings(proposals: Sequence[Proposal]) -> None:
    """Have enough references be filled in later that no row waits for ever; those that may be NULL go first."""
    for name, column in _edges(proposals):
        if not column.not_null and _is_ring(name, column, list(_edges(proposals))):
            column.missing = Missing.NULL
            column.notes.append(_FILLED_LATER)
    for name, column in _edges(proposals):
        if _is_ring(name, column, list(_edges(proposals))):
            column.missing, column.not_null = Missing.NULL, False
            column.notes.append(_LOOSENED)


def _edges(proposals: Sequence[Proposal]) -> Iterator[Edge]:
    """References that wait for rows of another entity; rows of one table that wait for each other go together."""
    for proposal in proposals:
        for column in proposal.columns:
            if column.missing is Missing.PARK and column.entity != proposal.name:
                yield proposal.name, column


def _is_ring(name: str, column: Proposed, edges: Sequence[Edge]) -> bool:
    reached = {column.entity}
    while more := {other.entity for at, other in edges if at in reached} - reached:
        reached |= more
    return name in reached
