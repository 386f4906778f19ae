"""Rows whose own columns say another legacy key than the one they have: the legacy row gets the new key."""

from uuid import uuid4

import psycopg

from consumers.numbered import execute
from consumers.refusal import FOREIGN_KEYS, is_of_a_record
from consumers.reverse import control, statement
from consumers.reverse.batch import Rows
from consumers.reverse.control import Cursor
from consumers.reverse.keys import Keys, keys_of, parts_of
from consumers.reverse.plan import Back
from consumers.reverse.refused import RefusedError
from consumers.reverse.statement import NUMBER

WHY_NEW = "its legacy key was changed on the target"
_FOLLOWS = (
    "Rows that refer to the old key have to follow: drop that foreign key on the legacy side, and add it again with "
    "ON UPDATE CASCADE. Then it goes on by itself."
)
WHY_OLD = "nobody's since the row with this key has another one"


def first_from(
    cursor: Cursor, rows: list[Rows], number: int
) -> tuple[int, Rows, Back, list[str]] | None:
    """The first row from a number on that moves: its number, its table, the entity and the texts of its new key."""
    found = []
    for each in rows:
        for back in each.table.entities:
            if back.has_natural_key:
                row = execute(cursor, statement.moved(each.table, back), number).fetchone()
                if row is not None:
                    found.append((int(str(row[0])), each, back, [str(text) for text in row[1:]]))
    return min(found, key=lambda move: move[0], default=None)


def move(cursor: Cursor, moving: tuple[int, Rows, Back, list[str]], keys: Keys) -> None:
    """Give the legacy row its new key, and record it.

    The row keeps its UUID under the new key. The old key, should the forward side hear of its end, must not be that of
    the row any more: it gets a UUID that nobody has.

    Raises:
        RefusedError: The legacy side does not take the key.
    """
    number, rows, back, texts = moving
    row = rows.between(number, number)
    id_ = row.ids[0]
    old = keys.get(back.name, id_) or ""
    try:
        execute(cursor, statement.rename(back), *texts, *parts_of(back, old))
    except psycopg.Error as error:
        if not is_of_a_record(error):
            raise
        raise RefusedError(
            f"the legacy database refuses the new key: {type(error).__name__} {_place(error)}".rstrip(),
            lsn=row.frame["__lsn"][0],
            number=row.frame[NUMBER][0],
            legacy=str(back.entity.source),
            remedy=_FOLLOWS if _is_held(error, back.entity.source.place) else "",
        ) from error
    new = keys_of(back, [texts])[0]
    source = str(back.entity.source)
    control.override(
        cursor,
        [
            (back.name, source, old, str(uuid4()), WHY_OLD),
            (back.name, source, new, id_, WHY_NEW),
        ],
    )
    keys.learn(back.name, id_, new)


def _is_held(error: psycopg.Error, place: tuple[str, str]) -> bool:
    """Whether rows of another table refer to the old key, rather than the new one to a row that is not there."""
    referring = (error.diag.schema_name, error.diag.table_name)
    return error.sqlstate in FOREIGN_KEYS and referring != place


def _place(error: psycopg.Error) -> str:
    """The constraint, and its table, which is another one where rows refer to the old key."""
    told = error.diag
    name = told.constraint_name or told.column_name or ""
    return f"{name} of {told.schema_name}.{told.table_name}" if name and told.table_name else name
