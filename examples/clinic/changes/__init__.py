"""The kinds of transactions that the live writer runs: a module a domain, a function a kind.

The name of the function is the kind's. A function runs its statements and leaves the commit to the writer. Children go
before their parents and follow their keys, so that no change leaves an orphan behind.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import LiteralString

from examples.clinic.changes import business, clinical, communications, foundation, technical
from examples.clinic.hand import Children, Hand

Change = Callable[[Hand], None]
MODULES: dict[str, ModuleType] = {
    "foundation": foundation,
    "clinical": clinical,
    "business": business,
    "communications": communications,
    "technical": technical,
}


def weights(domains: Sequence[str]) -> dict[Change, int]:
    """How often each kind comes, out of the sum."""
    return {change: weight for name in domains for change, weight in MODULES[name].WEIGHTS.items()}


def children() -> Children:
    """Which columns of which tables name the rows of each table, the latest domains first: they name the others."""
    found: dict[LiteralString, tuple[tuple[LiteralString, LiteralString], ...]] = {}
    for module in MODULES.values():
        for table, columns in module.CHILDREN.items():
            found[table] = (*columns, *found.get(table, ()))
    return found


def counted(domains: Sequence[str]) -> list[LiteralString]:
    """Tables whose rows are counted, so that there must be as many in the end as there were."""
    return [table for name in domains for table in MODULES[name].COUNTED]
