"""UUID -> legacy key: what the mapping of the target says, unless the legacy database has recorded another key."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from consumers.identity import legacy_keys, normal_form
from consumers.reverse import control
from consumers.reverse.control import Connection, Cursor
from consumers.reverse.plan import Back

# Of several rows of an entity with one UUID the living one counts, then the newest.
_MAPPED = """
SELECT DISTINCT ON (entity, id) entity, CAST(id AS text), legacy_key, owed IS NOT NULL
FROM understudy.migration_mappings WHERE generation = 1 AND id = ANY(CAST(%s AS uuid[]))
ORDER BY entity, id, state = 'l' DESC, epoch DESC, commit_lsn DESC, ordinal DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The legacy keys of a batch, by entity and UUID; it learns those of rows that are born in it.

    Attributes:
        owing: Rows, by entity and UUID, with a reference that the forward side wrote as NULL for want of the parent.
    """

    known: dict[tuple[str, str], str]
    owing: set[tuple[str, str]] = field(default_factory=set)

    def get(self, entity: str, id_: str) -> str | None:
        """The legacy key of a row."""
        return self.known.get((entity, id_))

    def learn(self, entity: str, id_: str, key: str) -> None:
        """Take in the key that a row has been given."""
        self.known[entity, id_] = key


def look_up(legacy: Cursor, target: Connection, ids: Iterable[str]) -> Keys:
    """What is known of some UUIDs.

    Args:
        legacy: In the transaction that will use it.
        target: Where the mapping is; it has an index on the UUIDs.
        ids: Of rows, and of those that they refer to.
    """
    wanted = sorted(set(ids))
    rows = target.execute(_MAPPED, [wanted]).fetchall() if wanted else []
    known = {(str(entity), str(id_)): str(key) for entity, id_, key, _ in rows}
    owing = {(str(entity), str(id_)) for entity, id_, _, owes in rows if owes}
    for entity, id_, key in control.overrides(legacy, wanted) if wanted else ():
        known[entity, id_] = key
    return Keys(known=known, owing=owing)


def parts_of(back: Back, key: str) -> list[str]:
    """The texts of the columns of a legacy key."""
    return [key] if len(back.key) == 1 else list(map(str, json.loads(key)))


def keys_of(back: Back, parts: Sequence[Sequence[object]]) -> list[str]:
    """Legacy keys from the texts of their columns, a row each."""
    columns = [
        normal_form(pl.Series([row[place] for row in parts], dtype=pl.String), column.base)
        for place, column in enumerate(back.key)
    ]
    return legacy_keys(columns).to_list()
