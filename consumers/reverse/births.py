"""The legacy keys of rows that are born on the target: from their own columns, else from the defaults of the key."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files

import psycopg

from consumers.refusal import is_of_a_record
from consumers.reverse import statement
from consumers.reverse.batch import Rows
from consumers.reverse.control import Connection, Cursor
from consumers.reverse.keys import Keys, keys_of
from consumers.reverse.plan import Back
from consumers.reverse.refused import RefusedError
from consumers.reverse.stage import Stages

_DEFAULTS_SQL = files("consumers.reverse").joinpath("defaults.sql").read_text()


def defaults_of(connection: Connection, back: Back) -> dict[str, str]:
    """The SQL of what PostgreSQL puts into the columns of a legacy key, where it puts something."""
    schema, table = back.entity.source.place
    names = [column.name for column in back.key]
    place = {"schema": schema, "table": table, "columns": names}
    rows = connection.execute(_DEFAULTS_SQL.encode(), place).fetchall()
    return {str(name): str(expression) for name, expression in rows}


class Births:
    """Gives keys to new rows, parents before children."""

    def __init__(self, stages: Stages, defaults: Mapping[str, Mapping[str, str]]) -> None:
        """Know the defaults of the key columns, by entity."""
        self._stages = stages
        self._defaults = defaults

    def give(
        self, cursor: Cursor, target: Connection, born: tuple[Rows, Back, list[int]], keys: Keys
    ) -> None:
        """Give keys to some rows of an entity.

        Args:
            cursor: In the transaction on the legacy database.
            target: To ask for original rows.
            born: Rows of a table, the entity, and the places of its new rows among them.
            keys: Learns.

        Raises:
            RefusedError: A row has no key.
        """
        rows, back, places = born
        if not places:
            return
        parts = self._parts(cursor, target, born, keys)
        ids = rows.frame[rows.table.id_column].gather(places).to_list()
        for id_, key in zip(ids, keys_of(back, parts), strict=True):
            keys.learn(back.name, id_, key)

    def _parts(
        self, cursor: Cursor, target: Connection, born: tuple[Rows, Back, list[int]], keys: Keys
    ) -> list[list[object]]:
        rows, back, places = born
        given = self._given(cursor, back, len(places))
        if not back.has_natural_key:
            return given
        natural = self._natural(cursor, target, born, keys)
        parts = []
        for place, own, default in zip(places, natural, given, strict=True):
            part = [d if o is None else o for o, d in zip(own, default, strict=True)]
            if None in part:
                raise RefusedError(
                    "the row has nothing for a column of the legacy key",
                    lsn=rows.frame["__lsn"][place],
                    number=rows.frame[statement.NUMBER][place],
                    legacy=str(back.entity.source),
                )
            parts.append(part)
        return parts

    def _given(self, cursor: Cursor, back: Back, count: int) -> list[list[object]]:
        """What the defaults of the key yield, a row for each new one."""
        expressions = self._defaults[back.name]
        parts = ", ".join(
            f"CAST({expressions[c.name]} AS text)"
            if c.name in expressions
            else "CAST(NULL AS text)"
            for c in back.key
        )
        query = f"SELECT {parts} FROM generate_series(1, {count})"
        return [list(row) for row in cursor.execute(query.encode()).fetchall()]

    def _natural(
        self, cursor: Cursor, target: Connection, born: tuple[Rows, Back, list[int]], keys: Keys
    ) -> Sequence[Sequence[object]]:
        """What the rows say themselves; asked over a stage that has only them."""
        rows, back, places = born
        kinds = tuple([kinds[place] for place in places] for kinds in rows.kinds)
        only = replace(rows, frame=rows.frame[places], kinds=kinds)
        try:
            with cursor.connection.transaction():
                reads = (way.reads for way in back.key_ways if way)
                self._stages.fill(cursor, target, only, keys, frozenset().union(*reads))
                query = statement.natural_keys(rows.table, back)
                return [row[1:] for row in cursor.execute(query.encode()).fetchall()]
        except psycopg.Error as error:
            if not is_of_a_record(error):
                raise
            # Which of them is not told: without the last, the others are tried again.
            raise RefusedError(
                f"its legacy key cannot be computed: {type(error).__name__}",
                lsn=rows.frame["__lsn"][places[-1]],
                number=rows.frame[statement.NUMBER][places[-1]],
                legacy=str(back.entity.source),
            ) from error
