"""Which legacy columns mean rows of which table: by foreign keys; where there are none, by names and sampled values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from consumers.catalog import ForeignKey
from ops.preflight import types
from ops.start import naming
from ops.start.legacy import Legacy, LegacyTable, Place
from ops.start.sampling import Sampled

# Of the sampled values, how many must be there before a name is believed.
SHARE_MIN = 0.5
# Names of keys that say nothing of whose key it is.
_ANYBODYS = frozenset({"id", "no", "nr", "num", "number", "key", "code", "name", "uuid", "guid"})
Ask = Callable[[LegacyTable, Sequence[str], LegacyTable, Sequence[str]], Sampled | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Columns of a legacy table that name a row of another, or of the same.

    Attributes:
        columns: In the order of the parent's columns.
        parent_columns: Its primary key, or one other unique column of it.
        declared: Whether a foreign key says so.
        sampled: What a sample of the values has shown; None: it could not be asked.
    """

    child: Place
    columns: tuple[str, ...]
    parent: Place
    parent_columns: tuple[str, ...]
    declared: bool = True
    sampled: Sampled | None = None

    @property
    def is_sure(self) -> bool:
        """Whether every value that was seen has its parent: then the target may have a foreign key."""
        if self.sampled is None or not self.sampled.values:
            return self.declared
        return not self.sampled.orphans

    @property
    def is_likely(self) -> bool:
        """Whether the values bear out what the names say; of an empty table nobody knows."""
        return self.declared or bool(
            self.sampled
            and self.sampled.values
            and self.sampled.found >= SHARE_MIN * self.sampled.values
        )


def find(legacy: Legacy, ask: Ask) -> dict[Place, list[Link]]:
    """The links of every table; those that are only a suspicion (`is_likely` is false) come last.

    Args:
        legacy: The catalog.
        ask: Samples values.
    """
    return {place: _of(legacy, table, ask) for place, table in legacy.tables.items()}


def _of(legacy: Legacy, table: LegacyTable, ask: Ask) -> list[Link]:
    known = {link.columns: link for link in _declared(legacy, table)}
    links = [_asked(legacy, link, ask) for link in known.values()]
    suggested = list(_named(legacy, table))
    for columns in dict.fromkeys(link.columns for link in suggested):
        if not any(set(columns) <= set(others) for others in known):
            named = [link for link in suggested if link.columns == columns]
            links.append(_best(legacy, named, ask))
    return sorted(links, key=lambda link: not link.is_likely)


def _best(legacy: Legacy, named: Sequence[Link], ask: Ask) -> Link:
    """Of the parents that a name may mean, the first that has all values, or else the one that has most."""
    asked: list[Link] = []
    for link in named:
        asked.append(_asked(legacy, link, ask))
        if asked[-1].is_likely and asked[-1].is_sure:
            return asked[-1]
    return max(asked, key=lambda link: link.sampled.found if link.sampled else -1)


def _asked(legacy: Legacy, link: Link, ask: Ask) -> Link:
    child, parent = legacy.tables[link.child], legacy.tables[link.parent]
    return replace(link, sampled=ask(child, link.columns, parent, link.parent_columns))


def _declared(legacy: Legacy, table: LegacyTable) -> Iterator[Link]:
    for key in table.foreign_keys:
        parent = legacy.tables.get(key.parent)
        columns = _parents_order(key, parent) if parent else None
        if parent and columns and _meet(table, list(columns), parent, list(columns.values())):
            yield Link(
                child=table.place,
                columns=tuple(columns),
                parent=parent.place,
                parent_columns=tuple(columns.values()),
            )


def _parents_order(key: ForeignKey, parent: LegacyTable) -> dict[str, str] | None:
    """Columns of a foreign key by those of its parent's key; None where that is neither primary nor of one column."""
    pairs = dict(zip(key.parent_columns, key.columns, strict=True))
    if set(pairs) == set(parent.table.key):
        return {pairs[name]: name for name in parent.table.key}
    return {key.columns[0]: key.parent_columns[0]} if len(pairs) == 1 else None


def _named(legacy: Legacy, table: LegacyTable) -> Iterator[Link]:
    """What the names suggest, what they say most plainly first."""
    found: list[tuple[int, bool, Link]] = []
    for parent in legacy.tables.values():
        key = parent.table.key
        for columns in _columns_for(table, parent):
            if _meet(table, columns, parent, key):
                link = Link(
                    child=table.place,
                    columns=columns,
                    parent=parent.place,
                    parent_columns=key,
                    declared=False,
                )
                elsewhere = parent.place[0] != table.place[0]
                found.append((_farness(columns, table, parent) or 0, elsewhere, link))
    yield from (link for *_, link in sorted(found, key=lambda one: one[:2]))


def _columns_for(table: LegacyTable, parent: LegacyTable) -> Iterator[tuple[str, ...]]:
    key, names = parent.table.key, [column.name for column in table.table.columns]
    if len(key) > 1:
        is_told = not _ANYBODYS & set(map(naming.snake, key)) and set(key) != set(table.table.key)
        if table is not parent and is_told and set(key) <= set(names):
            yield key
        return
    for name in names:
        is_own_key = table.table.key == (name,)
        if key and not is_own_key and _farness((name,), table, parent) is not None:
            yield (name,)


def _farness(columns: tuple[str, ...], table: LegacyTable, parent: LegacyTable) -> int | None:
    """How far a column's name is from meaning a row of a table; None: it does not."""
    if len(columns) > 1:
        return 0
    name, stem = naming.snake(columns[0]), naming.stem(columns[0])
    words = naming.things(parent.place[1])
    if table is parent and stem in words:
        return None  # Its own number.
    if stem in words:
        return 0
    if name not in _ANYBODYS and name == naming.snake(parent.table.key[0]):
        return 1
    if stem != name and any(stem.endswith(f"_{word}") for word in words):
        return 2
    return 3 if stem == "parent" and stem != name and table is parent else None


def _meet(
    table: LegacyTable, columns: Sequence[str], parent: LegacyTable, key: Sequence[str]
) -> bool:
    """Whether the texts of both are the same where they mean the same, and the columns travel at all."""
    pairs = zip(map(table.column, columns), map(parent.column, key), strict=True)
    return all(
        types.meet(one.base, other.base) and not (one.generated or other.generated)
        for one, other in pairs
    )
