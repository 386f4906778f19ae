"""Legacy databases that nobody has described, and what both sides must have in common once they are migrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

_FOLDER = Path(__file__).with_name("legacies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A legacy database.

    Attributes:
        repair: What `check` asks for before the first run.
        same: Queries of the source and of the target that must yield the same rows; {public} is the target's schema of
            what was in the schema public.
        more: What a user writes while the pipeline runs.
    """

    name: str
    same: Mapping[str, str]
    more: str
    repair: str = ""

    def make(self, dsn: str) -> None:
        """Load it into an empty database."""
        run(dsn, (_FOLDER / f"{self.name}.sql").read_text())

    def differences(self, source: str, target: str, public: str) -> list[str]:
        """The queries whose rows are not the same on both sides."""
        return [
            query
            for query, there in self.same.items()
            if rows(source, query) != rows(target, there.format(public=public))
        ]


def run(dsn: str, statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statements.encode())


def rows(dsn: str, query: str) -> Sequence[tuple[object, ...]]:
    """The rows of a query, in an order of their own."""
    with psycopg.connect(dsn) as connection:
        return sorted(connection.execute(query.encode()).fetchall(), key=repr)


KEYED = Unknown(
    name="keyed",
    same={
        "SELECT country, site_no, name FROM sites": "SELECT country, site_no, name FROM {public}.sites",
        "SELECT country, site_no, tank_no, volume, grade::text FROM tanks": """
            SELECT country, site_no, tank_no, volume, grade
            FROM {public}.tanks t JOIN {public}.sites s ON s.id = t.site_id""",
        """SELECT b.code, p.code, b.brewed, t.volume FROM batches b LEFT JOIN batches p ON p.id = b.parent_id
           LEFT JOIN tanks t
           ON (t.country, t.site_no, t.tank_no) = (b.country, b.site_no, b.tank_no)""": """
            SELECT b.code, p.code, b.brewed, t.volume FROM {public}.batches b
            LEFT JOIN {public}.batches p ON p.id = b.parent_id LEFT JOIN {public}.tanks t ON t.id = b.tank_id""",
        "SELECT b.code, taken, degrees, note FROM ledger.readings r JOIN batches b ON b.id = batch_id": """
            SELECT b.code, taken, degrees, note FROM ledger.readings r JOIN {public}.batches b ON b.id = batch_id""",
        "SELECT label_no, batch_code, printed FROM ledger.labels": """
            SELECT label_no, b.code, printed FROM ledger.labels l JOIN {public}.batches b ON b.id = l.batch_id""",
    },
    more="""
        INSERT INTO sites VALUES ('CH', 1, 'new'); INSERT INTO tanks VALUES ('CH', 1, 1, 5, 'b');
        INSERT INTO batches (code, country, site_no, tank_no, brewed) VALUES ('late', 'CH', 1, 1, '2024-03-31 02:30');
        UPDATE ledger.readings SET degrees = -1, taken = taken + interval '3 years' WHERE batch_id = 1;
        DELETE FROM ledger.labels WHERE label_no < 5""",
)
AWKWARD = Unknown(
    name="awkward",
    same={
        'SELECT "E-Mail", "select", "Group", "100%" FROM "User"': """
            SELECT e_mail, "select", "group", "100" FROM {public}."user\"""",
        'SELECT "Order No.", "E-Mail", "from", "to", "Größe", "größe"'
        ' FROM "order" JOIN "User" ON "ID" = "order"."user"': """
            SELECT order_no, e_mail, "from", "to", "größe", "größe_2" FROM {public}."order" o
            JOIN {public}."user" u ON u.id = o.user_id""",
        'SELECT "order", "Straße № 1" FROM "Odd Schema"."Order.Items ""new"""': """
            SELECT order_no, "straße_1"
            FROM odd_schema.order_items_new i JOIN {public}."order" o ON o.id = i.order_id""",
        'SELECT "номер", "E-Mail", "$sum", "back\\slash" FROM "заказы" JOIN "User" ON "ID" = "клиент"': """
            SELECT "номер", e_mail, sum, back_slash
            FROM {public}."заказы" z JOIN {public}."user" u ON u.id = "клиент_id\"""",
        "SELECT a_column_whose_name_is_as_long_as_postgresql_lets_a_name_be_not, id FROM"
        " a_table_whose_name_is_as_long_as_postgresql_lets_a_name_be_made": """
            SELECT a_column_whose_name_is_as_long_as_postgresql_lets_a_name_be_not, legacy_id
            FROM {public}.a_table_whose_name_is_as_long_as_postgresql_lets_a_name_be_made""",
        'SELECT "line\nbreak", "]", "%s", "tab\ttab" FROM "--"': """
            SELECT line_break, unnamed, s, tab_tab FROM {public}.unnamed""",
    },
    more="""
        UPDATE "User" SET "select" = NULL WHERE "ID" = 1; DELETE FROM "--" WHERE "%s" = '%s' AND "line
break" = 1;
        INSERT INTO "заказы" VALUES (99, NULL, 1, '');""",
)
LOOSE = Unknown(
    name="loose",
    same={
        "SELECT fullname, joined, active FROM tblmember": "SELECT fullname, joined, active FROM {public}.tblmember",
        "SELECT a.name, m.name FROM authors a LEFT JOIN authors m ON m.id = a.mentor_author_id": """
            SELECT a.name, m.name FROM {public}.authors a LEFT JOIN {public}.authors m ON m.id = a.mentor_author_id""",
        "SELECT isbn, title, name, shelf_id FROM books JOIN authors ON authors.id = author_id": """
            SELECT isbn, title, name, shelf_id FROM {public}.books b JOIN {public}.authors a ON a.id = author_id""",
        "SELECT loan_no, fullname, isbn, copy_no, fee FROM loans JOIN tblmember USING (memberid)": """
            SELECT loan_no, fullname, isbn, c.copy_no, fee FROM {public}.loans l
            JOIN {public}.tblmember m ON m.id = member_id JOIN {public}.copies c ON c.id = copy_id
            JOIN {public}.books b ON b.id = c.book_id""",
        "SELECT amount, l.loan_no FROM fines LEFT JOIN loans l USING (loan_no)": """
            SELECT amount, l.loan_no FROM {public}.fines LEFT JOIN {public}.loans l ON l.id = loan_id""",
        "SELECT fullname, day FROM visits JOIN tblmember USING (memberid)": """
            SELECT fullname, day FROM {public}.visits JOIN {public}.tblmember m ON m.id = member_id""",
    },
    more="""
        INSERT INTO books VALUES ('X99', 'late', 1, NULL); INSERT INTO copies VALUES ('X99', 1, NULL);
        UPDATE loans SET isbn = 'X99', copy_no = 1 WHERE loan_no = 7; DELETE FROM visits WHERE day < '2020-01-05'""",
    repair="ALTER TABLE visits ADD PRIMARY KEY (memberid, day)",
)
ALL = (KEYED, AWKWARD, LOOSE)
