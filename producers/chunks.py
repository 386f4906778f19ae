"""Key ranges of a table's snapshot: which of them are still to be read; pure.

Chunk n reaches from the bound of chunk n - 1 (inclusive) to its own (exclusive); the first and the
last are open. Bounds are texts that only the server compares, so order is known by number alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.positions import Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Rows with lower <= key < upper; None is open.

    Attributes:
        number: Of the chunk, from 0.
        lower: Text of the first key column.
        upper: Likewise.
        whole: Whether it is read as one chunk; if not, its upper bound is still to be found.
    """

    number: int
    lower: str | None
    upper: str | None
    whole: bool


def remaining(done: Mapping[int, Chunk]) -> list[KeyRange]:
    """The ranges that no chunk covers: gaps between chunks, and what follows the last.

    Args:
        done: Acknowledged chunks by number.
    """
    gaps = []
    number, lower = 0, None
    for chunk in (done[key] for key in sorted(done)):
        if chunk.lower != lower:
            gap = KeyRange(number=number, lower=lower, upper=chunk.lower, whole=True)
            gaps.append(gap)
        number, lower = chunk.number + 1, chunk.upper
    if done and lower is None:
        return gaps
    return [*gaps, KeyRange(number=number, lower=lower, upper=None, whole=False)]
