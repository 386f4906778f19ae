"""Persons of a small clinic who ask for rows, each in the role that the application gives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

ROLES = ("patient", "doctor", "staff", "technician")
SAID = Path(__file__).with_name("said.sql")

Row = tuple[Any, ...]
Query = sql.SQL | sql.Composed


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """A filled target, and who asks there.

    Attributes:
        dsn: The target's, as the owner of its tables.
        people: A profile id, by role.
    """

    dsn: str
    people: dict[str, str]

    def owner(self, query: Query, role: str = "") -> list[Row]:
        """The rows of a query that nothing is kept from, about the person of a role."""
        with self._connected(self.people.get(role)) as connection:
            return connection.execute(query).fetchall()

    def asks(self, role: str, query: Query, **values: str) -> psycopg.Cursor[Row]:
        """Run a statement as the person of a role, and take it back."""
        return self.asks_as(self.people.get(role), role, query, **values)

    def asks_as(
        self, me: str | None, role: str, query: Query, **values: str
    ) -> psycopg.Cursor[Row]:
        """Run a statement as anybody in a role, and take it back.

        Args:
            me: The profile; None: the application has named nobody.
            role: Without its prefix.
            query: The statement.
            values: Its parameters, beside `me`.
        """
        with self._connected(me) as connection:
            name = sql.Identifier(f"clinic_{role}")
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(name))
            return connection.execute(query, {**values, "me": me})

    @contextmanager
    def locked_out(self, me: str) -> Iterator[None]:
        """While it is open, the account of somebody is locked."""
        change: LiteralString = "UPDATE clinic.profiles SET status = %s WHERE id = %s"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(change, ["locked", me])
            try:
                yield
            finally:
                connection.execute(change, ["active", me])

    @contextmanager
    def _connected(self, me: str | None) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.dsn) as connection:
            if me is not None:
                connection.execute("SELECT set_config('clinic.profile_id', %s, true)", [me])
            yield connection
            connection.rollback()


def cast(dsn: str) -> Clinic:
    """Choose the persons, and give each of them something to do."""
    people: LiteralString = "SELECT role, profile_id::text FROM said.people"
    with psycopg.connect(dsn) as target:
        target.execute(SAID.read_bytes())
        return Clinic(dsn=dsn, people=dict(target.execute(people).fetchall()))
