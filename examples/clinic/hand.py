"""The hand that writes into the legacy clinic: one connection, one seeded choice of rows and values."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg
from psycopg import sql

# By table, the columns of other tables that name its rows; what names itself is not among them.
Children = Mapping[LiteralString, tuple[tuple[LiteralString, LiteralString], ...]]
FIRST_DAY = datetime(2024, 1, 1, 7)  # noqa: DTZ001 - the legacy columns are local times without a zone.
DAYS = 700
# A condition over a row of any table with a patient.
OF_A_PATIENT: LiteralString = (
    "EXISTS (SELECT FROM patients AS p WHERE p.id = t.patient_id AND p.archived = 'N')"
)
WORKDAY_SECONDS = (
    12 * 3600
)  # From 07:00 to 19:00 no change of the clocks can make a local time doubtful.

# Blemished rows hang on archived patients, who are left alone: what the generator promises stays true.
KINDS: dict[str, tuple[LiteralString, LiteralString]] = {
    "office": ("offices", "true"),
    "doctor": ("doctors", "true"),
    "staff": ("profiles", "t.kind = 'S'"),
    "patient": ("patients", "t.archived = 'N'"),
    "order": ("orders", OF_A_PATIENT),
    "project": ("projects", OF_A_PATIENT),
}


class NothingToChange(Exception):  # noqa: N818 - no error: this clinic has no row of the kind any more.
    """There is no row for the change that was drawn."""


class Hand:
    """Runs statements and draws rows and values.

    Attributes:
        random: The source of all choices.
    """

    def __init__(self, connection: psycopg.Connection, seed: int, children: Children) -> None:
        """Take over a connection; transactions are the caller's.

        Args:
            connection: To the legacy clinic.
            seed: Of all choices.
            children: Which tables name rows of which.
        """
        self._connection = connection
        self._children = children
        self._last = self._last_numbers()
        self.random = random.Random(seed)  # noqa: S311 - not cryptography.

    def _last_numbers(self) -> dict[str, int]:
        """Of each table with a sequence, the number of its last row."""
        query = (
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'id' AND column_default LIKE 'nextval(%'"
        )
        last = sql.SQL("SELECT coalesce(max(id), 0) FROM {}")
        return {
            table: self._connection.execute(last.format(sql.Identifier(table))).fetchall()[0][0]
            for (table,) in self._connection.execute(query).fetchall()
        }

    def run(self, statement: LiteralString, *values: object) -> int:
        """Run a statement and return the number of rows that it touched."""
        return self._connection.execute(statement, values).rowcount

    def row(self, statement: LiteralString, *values: object) -> tuple[object, ...]:
        """The first row of a query.

        Raises:
            NothingToChange: There is none.
        """
        found = self._connection.execute(statement, values).fetchone()
        if found is None:
            raise NothingToChange
        return tuple(found)

    def new_id(self, table: LiteralString) -> int:
        """The next number of a table's sequence."""
        return int(str(self.row("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", table)[0]))

    def some(self, kind: str) -> int:
        """The id of some row: office, doctor, staff, patient, order or project.

        Raises:
            NothingToChange: There is none.
        """
        return self.some_of(*KINDS[kind])

    def some_of(self, table: LiteralString, condition: LiteralString = "true") -> int:
        """The id of some row of a table, which is `t` in the condition.

        Raises:
            NothingToChange: There is none.
        """
        low, high = self.row("SELECT min(id), max(id) FROM " + table)
        if not isinstance(low, int) or not isinstance(high, int):
            raise NothingToChange
        nearest = (
            f"SELECT t.id FROM {table} AS t WHERE t.id >= %s AND {condition} ORDER BY 1 LIMIT 1"
        )
        drawn = self._connection.execute(nearest, (self.random.randint(low, high),)).fetchone()
        return int(str((drawn or self.row(nearest, low))[0]))

    def added(self, table: LiteralString, condition: LiteralString = "true") -> int:
        """The id of some row that was not there when this hand began to write.

        Raises:
            NothingToChange: There is none.
        """
        query = f"SELECT t.id FROM {table} AS t WHERE t.id > %s AND {condition} ORDER BY 1"
        found = self._connection.execute(query, [self._last[table]]).fetchall()
        if not found:
            raise NothingToChange
        return int(self.random.choice(found)[0])

    def delete(self, table: LiteralString, key: object) -> None:
        """Delete a row, after the rows that name it, and those that name them."""
        for child, column in self._children.get(table, ()):
            if child in self._children:
                keys = f"SELECT id FROM {child} WHERE {column} = %s ORDER BY id"
                for (number,) in self._connection.execute(keys, [key]).fetchall():
                    self.delete(child, number)
            self.run(f"DELETE FROM {child} WHERE {column} = %s", key)
        self.run(f"DELETE FROM {table} WHERE id = %s", key)

    def rekey(self, table: LiteralString, column: LiteralString, key: object, new: object) -> None:
        """Give a row another key; the rows that name it follow."""
        self.run(f"UPDATE {table} SET {column} = %s WHERE {column} = %s", new, key)
        for child, reference in self._children.get(table, ()):
            self.run(f"UPDATE {child} SET {reference} = %s WHERE {reference} = %s", new, key)

    def take_back(self, table: LiteralString) -> None:
        """Delete every row that was not there when this hand began to write."""
        query = f"SELECT id FROM {table} WHERE id > %s ORDER BY id DESC"
        for (key,) in self._connection.execute(query, [self._last[table]]).fetchall():
            self.delete(table, key)

    def some_sku(self) -> str:
        """The key of some product."""
        drawn = self.text(4)
        query: LiteralString = "SELECT sku FROM products ORDER BY md5(sku || %s) LIMIT 1"
        return str(self.row(query, drawn)[0])

    def cents(self, below: int) -> int:
        """An amount of money."""
        return self.random.randrange(below)

    def text(self, octets: int) -> str:
        """Text that does not compress; from 2,000 octets on it is kept out of line (TOAST)."""
        return self.random.randbytes(octets).hex()

    def moment(self) -> datetime:
        """A local time of a working day."""
        seconds = self.random.uniform(0, WORKDAY_SECONDS)
        return FIRST_DAY + timedelta(days=self.random.randrange(DAYS), seconds=seconds)
