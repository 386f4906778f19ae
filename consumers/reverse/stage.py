"""Rows of a batch into the stages on the legacy database, with the legacy keys of themselves and of their parents."""

from collections.abc import Mapping
from uuid import UUID

import polars as pl

from consumers import images
from consumers.identity import Identity, legacy_keys, normal_form
from consumers.reverse import statement
from consumers.reverse.batch import Rows
from consumers.reverse.control import Connection, Cursor
from consumers.reverse.keys import Keys, parts_of
from consumers.reverse.plan import Back, Reference
from consumers.reverse.refused import RefusedError
from consumers.reverse.statement import NEW, NUMBER, PUT
from consumers.staging import copy_into, lines_of

_ORIGINAL = """
SELECT CAST(original AS text) FROM understudy.migration_mappings
WHERE generation = 1 AND entity = %s AND id = CAST(%s AS uuid) AND original IS NOT NULL
ORDER BY state = 'l' DESC, epoch DESC, commit_lsn DESC, ordinal DESC LIMIT 1"""


class Stages:
    """Fills the stages."""

    def __init__(self, namespace: UUID) -> None:
        """Compute UUIDs in this namespace, where it has to be asked what a legacy key was."""
        self._namespace = namespace

    def fill(
        self,
        cursor: Cursor,
        target: Connection,
        rows: Rows,
        keys: Keys,
        needed: frozenset[str] | None = None,
    ) -> None:
        """Put rows into the stage of their table, instead of what is there.

        Args:
            cursor: In the transaction on the legacy database.
            target: To ask for original rows.
            rows: With their kinds.
            keys: What is known; a row without its own key gets none.
            needed: Which references are wanted, by their columns; None: all.

        Raises:
            RefusedError: A row refers to one that the legacy database does not know.
        """
        columns: dict[str, pl.Series] = {}
        for back, kinds in zip(rows.table.entities, rows.kinds, strict=True):
            columns[back.kind_column] = _texts(back.kind_column, kinds)
            columns |= _own_keys(back, rows.ids, keys)
            owes = [(back.name, id_) in keys.owing or None for id_ in rows.ids]
            columns[back.owes_column] = pl.Series(back.owes_column, owes, dtype=pl.Boolean)
            for reference in back.references:
                is_needed = needed is None or reference.column in needed
                texts = (
                    _nothing(rows)
                    if not is_needed
                    else self._parents(target, rows, back, reference, keys)
                )
                before = columns.get(reference.staged)
                texts = texts if before is None else before.zip_with(before.is_not_null(), texts)
                columns[reference.staged] = texts
        cursor.execute(statement.empty_stage(rows.table).encode())
        theirs = [c.name for c in rows.table.target.columns if not c.generated]
        frame = rows.frame.select(NUMBER, *theirs).with_columns(**columns)
        copy_into(cursor, statement.stage(rows.table), lines_of(frame))

    def _parents(
        self, target: Connection, rows: Rows, back: Back, reference: Reference, keys: Keys
    ) -> pl.Series:
        """The legacy keys of the parents of those rows that are written as rows of an entity."""
        found: list[str | None] = []
        kinds = rows.kinds[back.number]
        parents = rows.frame[reference.column].to_list()
        for place, (kind, id_, parent) in enumerate(zip(kinds, rows.ids, parents, strict=True)):
            key = None if parent is None else keys.get(reference.parent, parent)
            is_written = kind in (NEW, PUT)
            if is_written and key is None and parent is not None:
                key = self._as_it_was(target, back, reference, (id_, parent))
                if key is None:
                    raise _unknown(rows, back, reference, place)
            found.append(key if is_written else None)
        return pl.Series(reference.staged, found, dtype=pl.String)

    def _as_it_was(
        self, target: Connection, back: Back, reference: Reference, pair: tuple[str, str]
    ) -> str | None:
        """The key that the legacy row refers to, though nobody knows that parent; None if the row now says another.

        Args:
            target: To ask for the original row.
            back: The entity.
            reference: Its column.
            pair: UUID of the row and of the parent.
        """
        id_, parent = pair
        rule = reference.rule
        if not rule.columns:
            return None
        row = target.execute(_ORIGINAL, [back.name, id_]).fetchone()
        if row is None:
            return None
        columns = [c for c in back.legacy.columns if c.name in rule.columns]
        image = images.decode(pl.Series([str(row[0])], dtype=pl.String), columns)
        bases = {column.name: column.base for column in columns}
        key = legacy_keys([normal_form(image[n], bases[n]) for n in rule.columns])[0]
        if key is None:
            return None
        computed = Identity(self._namespace, rule.ref).one(str(key))
        return str(key) if computed == UUID(parent).hex else None


def _own_keys(back: Back, ids: list[str], keys: Keys) -> Mapping[str, pl.Series]:
    """The parts of the legacy keys of rows, a column each."""
    rows = [
        [None] * len(back.key) if key is None else parts_of(back, key)
        for key in (keys.get(back.name, id_) for id_ in ids)
    ]
    names = [back.key_column(place) for place in range(len(back.key))]
    return {name: _texts(name, [row[place] for row in rows]) for place, name in enumerate(names)}


def _nothing(rows: Rows) -> pl.Series:
    return pl.Series([None] * rows.frame.height, dtype=pl.String)


def _texts(name: str, values: "list[str | None]") -> pl.Series:
    return pl.Series(name, values, dtype=pl.String)


def _unknown(rows: Rows, back: Back, reference: Reference, place: int) -> RefusedError:
    return RefusedError(
        f"{reference.column} refers to a row that is none of the legacy rows of {reference.parent}",
        lsn=rows.frame["__lsn"][place],
        number=rows.frame[NUMBER][place],
        legacy=str(back.entity.source),
    )
