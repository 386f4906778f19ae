"""Whose a legacy key is: the row's that was written with it last, in the order in which the target has committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumers.reverse import control
from consumers.reverse.batch import Rows
from consumers.reverse.control import Cursor
from consumers.reverse.keys import Keys
from consumers.reverse.statement import GONE, NUMBER

WHY = "born on the target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Records whose the keys are that rows of one batch have.

    Attributes:
        born: UUIDs of the rows that are born in it, by entity.
    """

    born: Mapping[str, set[str]]

    def record(self, cursor: Cursor, written: Sequence[Rows], keys: Keys) -> None:
        """Record a stretch of the batch: what was born in it, and what has come back to a key that was another's since.

        Args:
            cursor: In the transaction on the legacy database.
            written: Rows that were written, none of which has changed its key since.
            keys: Of all of them.
        """
        last = self._last(written, keys)
        born = [(*place, id_, WHY) for place, id_ in last.items() if id_ in self.born[place[0]]]
        control.override(cursor, born)
        control.give_back(
            cursor,
            [(*place, id_) for place, id_ in last.items() if id_ not in self.born[place[0]]],
        )

    def _last(self, written: Sequence[Rows], keys: Keys) -> dict[tuple[str, str, str], str]:
        """The UUID of the last row of each entity, source and key."""
        found = []
        for rows in written:
            numbers = rows.frame[NUMBER].to_list()
            for back, kinds in zip(rows.table.entities, rows.kinds, strict=True):
                source = str(back.entity.source)
                found += [
                    (number, (back.name, source, keys.get(back.name, id_) or ""), id_)
                    for number, id_, kind in zip(numbers, rows.ids, kinds, strict=True)
                    if kind not in (None, GONE)
                ]
        return {place: id_ for _, place, id_ in sorted(found)}
