"""The stages that a batch goes through, for who wants to follow them; nobody does unless `ops` says so.

A span costs a call where nobody follows, so it is for batches and never for rows. Its attributes are names and counts.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Mark = object  # Of a stage, for those that follow it; opaque, None where nobody follows.
Attributes = dict[str, str | int]


class Tracer(Protocol):
    """Somebody who follows."""

    def span(
        self, name: str, parent: Mark, began_ns: int | None, attributes: Attributes
    ) -> AbstractContextManager[Mark]:
        """One stage, from now, or from a moment since 1970, to the end of the block."""


_NOBODY: AbstractContextManager[Mark] = nullcontext()
_tracers: list[Tracer] = []


def follow(tracer: Tracer | None) -> None:
    """Have all stages of this process told to this one; None: to nobody."""
    _tracers[:] = () if tracer is None else (tracer,)


def span(
    name: str, /, parent: Mark = None, began_ns: int | None = None, **attributes: str | int
) -> AbstractContextManager[Mark]:
    """A stage that a batch goes through, with as many threads at it as there are.

    Args:
        name: Of the stage.
        parent: The mark of the first stage of the same batch; None: this is it.
        began_ns: Nanoseconds since 1970; None: now.
        attributes: Names and counts, no values of rows.
    """
    for tracer in _tracers:
        return tracer.span(name, parent, began_ns, attributes)
    return _NOBODY


def each(name: str, items: Iterable[Item], *, topic: str) -> Iterator[tuple[Item, Mark]]:
    """A stage for each of some items of a topic that take their time to come, with its mark."""
    rest = iter(items)
    while True:
        with span(name, topic=topic) as mark:
            item = next(rest, None)
        if item is None:
            return
        yield item, mark
