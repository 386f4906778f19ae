"""Which rows of a table that refers to itself can go in together. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A row that waits for another of its own table.

    Attributes:
        key: Legacy key.
        id: Its UUID.
        waits_id: UUID of the row that it waits for.
        is_ready: Whether that one has come.
    """

    key: str
    id: str
    waits_id: str
    is_ready: bool


def released(waiters: Iterable[Waiter]) -> list[str]:
    """The keys of those that are ready or wait in a ring, and of all that wait for them; parents first.

    One walk along each chain, in the time that there are rows: a chain may be as long as the table.
    """
    by_id = {waiter.id: waiter for waiter in waiters}
    goes: dict[str, bool] = {}
    for start in by_id:
        path: dict[str, None] = {}
        at = start
        while at in by_id and at not in goes and at not in path and not by_id[at].is_ready:
            path[at] = None
            at = by_id[at].waits_id
        end = goes.get(at, at in by_id)
        above = [at] if at in by_id else []
        goes |= dict.fromkeys([*above, *reversed(path)], end)
    return [by_id[waiter_id].key for waiter_id, go in goes.items() if go]
