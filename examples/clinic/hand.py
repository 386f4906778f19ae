"""The hand that writes into the legacy clinic: one connection, one seeded choice of rows and values."""

import random
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg

FIRST_DAY = datetime(2024, 1, 1, 7)  # noqa: DTZ001 - the legacy columns are local times without a zone.
DAYS = 700
WORKDAY_SECONDS = (
    12 * 3600
)  # From 07:00 to 19:00 no change of the clocks can make a local time doubtful.

# Blemished rows hang on archived patients, who are left alone: what the generator promises stays true.
_ROWS: dict[str, tuple[LiteralString, LiteralString]] = {
    "office": ("SELECT min(id), max(id) FROM offices", "SELECT id FROM offices WHERE id >= %s"),
    "doctor": ("SELECT min(id), max(id) FROM doctors", "SELECT id FROM doctors WHERE id >= %s"),
    "staff": (
        "SELECT min(id), max(id) FROM profiles WHERE kind = 'S'",
        "SELECT id FROM profiles WHERE kind = 'S' AND id >= %s",
    ),
    "patient": (
        "SELECT min(id), max(id) FROM patients WHERE archived = 'N'",
        "SELECT id FROM patients WHERE archived = 'N' AND id >= %s",
    ),
    "order": (
        "SELECT min(id), max(id) FROM orders",
        (
            "SELECT o.id FROM orders AS o JOIN patients AS p ON p.id = o.patient_id"
            " WHERE p.archived = 'N' AND o.id >= %s"
        ),
    ),
    "project": (
        "SELECT min(id), max(id) FROM projects",
        (
            "SELECT j.id FROM projects AS j JOIN patients AS p ON p.id = j.patient_id"
            " WHERE p.archived = 'N' AND j.id >= %s"
        ),
    ),
}


class NothingToChange(Exception):  # noqa: N818 - no error: this clinic has no row of the kind any more.
    """There is no row for the change that was drawn."""


class Hand:
    """Runs statements and draws rows and values.

    Attributes:
        random: The source of all choices.
    """

    def __init__(self, connection: psycopg.Connection, seed: int) -> None:
        """Take over a connection; transactions are the caller's."""
        self._connection = connection
        self.random = random.Random(seed)  # noqa: S311 - not cryptography.

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
        bounds, rows = _ROWS[kind]
        low, high = self.row(bounds)
        if not isinstance(low, int) or not isinstance(high, int):
            raise NothingToChange
        nearest: LiteralString = rows + " ORDER BY 1 LIMIT 1"
        drawn = self._connection.execute(nearest, (self.random.randint(low, high),)).fetchone()
        return int(str((drawn or self.row(nearest, low))[0]))

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
