"""What `understudy check` refuses of a migration: each as one finding with code, file, key, remedy and exit code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.ops.conftest import Ended
from tests.shop import Shop

Command = Callable[..., Ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is spoilt, and what `check` must say of it."""

    code: str
    exit_code: int
    says: str
    file: str = "orders.toml"
    key: str = "columns"
    source: str = ""
    target: str = ""
    edits: tuple[tuple[str, str], ...] = field(default=())


ERRORS = {
    "a table that the source lacks": Case(
        code="source-table-missing",
        exit_code=4,
        key="source",
        says="did you mean public.orders?",
        edits=(("public.orders", "public.order"),),
    ),
    "a column that the source lacks": Case(
        code="source-column-missing",
        exit_code=4,
        key="columns.code",
        says="did you mean code?",
        edits=(('"code"', '"kode"'),),
    ),
    "a primary key that two rows may share for a moment": Case(
        code="key-deferrable",
        exit_code=4,
        key="key",
        says="is deferrable",
        source="ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
    ),
    "a key that is not the primary key": Case(
        code="key-other",
        exit_code=4,
        key="key",
        says="is not the primary key of public.orders (id)",
        source="ALTER TABLE orders ALTER code SET NOT NULL, ADD UNIQUE (code), REPLICA IDENTITY FULL",
        edits=(("[columns]", 'key = ["code"]\n[columns]'),),
    ),
    "a table without a primary key": Case(
        code="no-primary-key",
        exit_code=4,
        key="key",
        says="has no primary key",
        source="ALTER TABLE orders DROP CONSTRAINT orders_pkey",
    ),
    "a view in place of a table": Case(
        code="source-kind",
        exit_code=4,
        key="source",
        says="is a view",
        source="CREATE VIEW recent AS SELECT * FROM orders",
        edits=(("public.orders", "public.recent"),),
    ),
    "an unlogged table": Case(
        code="source-unlogged",
        exit_code=4,
        key="source",
        says="unlogged",
        source="ALTER TABLE orders SET UNLOGGED",
    ),
    "a replica identity that tells nothing": Case(
        code="replica-identity",
        exit_code=4,
        key="key",
        says="NOTHING",
        source="ALTER TABLE orders REPLICA IDENTITY NOTHING",
    ),
    "a generated column": Case(
        code="source-column-generated",
        exit_code=4,
        key="columns.code",
        says="is generated",
        source="ALTER TABLE orders DROP code, ADD code uuid GENERATED ALWAYS AS (NULL::uuid) STORED",
    ),
    "a table that the target lacks": Case(
        code="target-table-missing",
        exit_code=6,
        key="target",
        says="did you mean shop.orders?",
        edits=(("shop.orders", "shop.ordres"),),
    ),
    "a column that the target lacks": Case(
        code="target-column-missing",
        exit_code=6,
        key="columns.code",
        says="has no column code",
        target="ALTER TABLE shop.orders DROP code",
    ),
    "a NOT NULL column that no rule writes": Case(
        code="column-needs-rule",
        exit_code=6,
        says="column note",
        target="ALTER TABLE shop.orders ADD note text NOT NULL",
    ),
    "a UUID column of another type": Case(
        code="not-a-uuid",
        exit_code=6,
        key="columns.id",
        says="is text",
        target="ALTER TABLE shop.orders ALTER id TYPE text",
    ),
    "a UUID column that is not unique": Case(
        code="uuid-not-unique",
        exit_code=6,
        key="columns.id",
        says="neither its primary key nor unique",
        target="ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey",
    ),
    "a type that holds nothing of the other": Case(
        code="type-mismatch",
        exit_code=6,
        key="columns.code",
        says="code is uuid and column code of shop.orders is integer",
        target="ALTER TABLE shop.orders DROP code, ADD code integer",
    ),
    "a type without a place for the decimals": Case(
        code="type-loses",
        exit_code=6,
        key="columns.code",
        says="column code of shop.orders is shop.whole: it has no place for the decimals",
        source="ALTER TABLE orders DROP code, ADD code numeric(14, 2)",
        target="CREATE DOMAIN shop.whole AS numeric(10, 0);"
        "ALTER TABLE shop.orders DROP code, ADD code shop.whole",
    ),
    "a moment for a column that holds a time of day": Case(
        code="type-loses",
        exit_code=6,
        file="customers.toml",
        key="columns.created_at",
        says="it has no place for the date",
        target="ALTER TABLE shop.customers ALTER created_at TYPE time",
    ),
    "a reference whose types do not meet": Case(
        code="reference-type",
        exit_code=3,
        key="columns.customer_id",
        says="customer_id is text and the key of customers is integer",
        source="ALTER TABLE orders ALTER customer_id TYPE text",
    ),
    "a reference to another table than the entity's": Case(
        code="reference-elsewhere",
        exit_code=6,
        key="columns.customer_id",
        says="refers to shop.orders.id",
        target="ALTER TABLE shop.orders DROP CONSTRAINT orders_customer_id_fkey, "
        "ADD FOREIGN KEY (customer_id) REFERENCES shop.orders DEFERRABLE",
    ),
    "a cascading delete that takes several columns": Case(
        code="action-unseen",
        exit_code=6,
        file="customers.toml",
        key="target",
        says="refers to (country, name) of shop.customers ON DELETE CASCADE",
        target="ALTER TABLE shop.customers ADD UNIQUE (country, name);"
        "CREATE TABLE shop.letters (country char(2), name text, "
        "FOREIGN KEY (country, name) REFERENCES shop.customers (country, name) ON DELETE CASCADE)",
    ),
    "an update that cascades": Case(
        code="action-unseen",
        exit_code=6,
        file="customers.toml",
        key="target",
        says="ON UPDATE SET NULL",
        target="ALTER TABLE shop.customers ADD UNIQUE (id, name);"
        "CREATE TABLE shop.letters (customer uuid, name text, FOREIGN KEY (customer, name) "
        "REFERENCES shop.customers (id, name) ON DELETE CASCADE ON UPDATE SET NULL)",
    ),
    "NULL for a parent where the column refuses it": Case(
        code="null-refused",
        exit_code=6,
        key="columns.customer_id",
        says="NOT NULL",
        edits=(('"park"', '"null"'),),
    ),
    "keeping a reference under a foreign key": Case(
        code="keep-refused",
        exit_code=6,
        key="columns.customer_id",
        says="wants the parent there",
        edits=(('"park"', '"keep"'),),
    ),
    "a stub that lacks columns": Case(
        code="stub-impossible",
        exit_code=6,
        key="columns.customer_id",
        says="would lack name, created_at",
        edits=(('"park"', '"stub"'),),
    ),
    "a value that an enum lacks": Case(
        code="value-refused",
        exit_code=6,
        key="columns.status",
        says="does not take the value closed",
        edits=(('"paid"', '"closed"'),),
    ),
    "a value that a check refuses": Case(
        code="value-refused",
        exit_code=6,
        file="customers.toml",
        key="columns.country",
        says="does not take the value AT",
        target="ALTER TABLE shop.customers ADD CHECK (country <> 'AT')",
    ),
    "an expression over a column that is not there": Case(
        code="expression",
        exit_code=3,
        key="columns.total",
        says='column "sents" does not exist',
        edits=(("cents::numeric", "sents::numeric"),),
    ),
    "a condition that is none": Case(
        code="expression",
        exit_code=3,
        key="where",
        says="must be type boolean",
        edits=(("cents >= 0", "cents + 0"),),
    ),
    "an expectation that cannot be read": Case(
        code="expression",
        exit_code=3,
        key="expect.status",
        says="syntax error",
        edits=(("status < 10", "status <"),),
    ),
    "a column whose name is a word of SQL": Case(
        code="expression",
        exit_code=3,
        key="columns.total",
        says='syntax error at or near "order"; order is a word of SQL there, not the legacy column',
        source='ALTER TABLE orders ADD "order" integer',
        edits=(("cents::numeric / 100", "order + cents"),),
    ),
    "a column whose name is a value of the session": Case(
        code="expression",
        exit_code=3,
        key="where",
        says="user is a word of SQL there, not the legacy column",
        source='ALTER TABLE orders ADD "user" text',
        edits=(("cents >= 0", "user <> 'nobody'"),),
    ),
    "rows in the target that are not ours": Case(
        code="target-not-empty",
        exit_code=6,
        key="target",
        says="holds rows",
        target="ALTER TABLE shop.orders ALTER customer_id DROP NOT NULL; "
        "INSERT INTO shop.orders VALUES (gen_random_uuid(), NULL, 'open', 0, NULL)",
    ),
    "originals that partial updates need": Case(
        code="originals-needed",
        exit_code=3,
        file="customers.toml",
        key="columns.name",
        says="TOAST",
        edits=(('target = "shop.customers"', 'target = "shop.customers"\noriginals = false'),),
    ),
    "a time zone that nobody knows": Case(
        code="timezone",
        exit_code=6,
        file="customers.toml",
        key="columns.created_at",
        says="Europe/Wien",
        edits=(("Europe/Vienna", "Europe/Wien"),),
    ),
    "a Python rule without its module": Case(
        code="python",
        exit_code=3,
        file="customers.toml",
        key="columns.name",
        says="does not exist",
        edits=(('= "name"', '= { from = "name", python = "rules:upper" }'),),
    ),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_refuses(case: Case, shop: Shop, understudy: Command) -> None:
    shop.source(case.source)
    shop.target(case.target)
    for old, new in case.edits:
        shop.edit(f"entities/{case.file}", old, new)
    ended = understudy("check", shop.folder, "--output", "json")
    errors = [finding for finding in ended.document["findings"] if finding["severity"] == "error"]
    assert [error["code"] for error in errors] == [case.code]
    (error,) = errors
    assert case.says in error["what"]
    assert (Path(error["file"]).name, error["key"]) == (case.file, case.key)
    assert error["remedy"]
    assert ended.code == case.exit_code


def test_columns_whose_names_are_words_of_sql_are_named_in_quotes(
    shop: Shop, understudy: Command
) -> None:
    shop.source('ALTER TABLE orders ADD "order" integer, ADD "user" text, ADD "end" text')
    expression = """case when s."user" <> 'user' then s."order" end -- The user."""
    shop.edit("entities/orders.toml", '"cents::numeric / 100"', f"'''{expression}'''")
    ended = understudy("check", shop.folder, "--output", "json")
    assert [f for f in ended.document["findings"] if f["severity"] == "error"] == []


def ring(shop: Shop, column: str) -> None:
    """Customers refer to orders as well."""
    shop.source("ALTER TABLE customers ADD first_order bigint NOT NULL")
    shop.target(f"ALTER TABLE shop.customers ADD first_order {column} REFERENCES shop.orders")
    rule = 'first_order = { ref = "orders", from = "first_order" }'
    shop.edit("entities/customers.toml", "country  ", f"{rule}\ncountry  ")


def rings(ended: Ended) -> list[tuple[str, str, str]]:
    found = [f for f in ended.document["findings"] if f["code"].startswith("ring-")]
    return [(f["code"], f["severity"], f["key"]) for f in found]


def test_rows_that_need_each_other_are_refused_whether_or_not_their_keys_are_deferrable(
    shop: Shop, understudy: Command
) -> None:
    ring(shop, "uuid NOT NULL")
    shop.target(
        "ALTER TABLE shop.customers ALTER CONSTRAINT customers_first_order_fkey DEFERRABLE;"
        "ALTER TABLE shop.orders ALTER CONSTRAINT orders_customer_id_fkey DEFERRABLE"
    )
    ended = understudy("check", shop.folder, "--output", "json")
    assert rings(ended) == [
        ("ring-waits", "error", "columns.first_order"),
        ("ring-waits", "error", "columns.customer_id"),
    ]
    assert ended.code == 6


def test_a_ring_is_opened_by_a_reference_that_may_be_null_for_a_while(
    shop: Shop, understudy: Command
) -> None:
    ring(shop, "uuid")
    assert rings(understudy("check", shop.folder, "--output", "json")) == [
        ("ring-may-wait", "warning", "columns.first_order")
    ]
    shop.edit("entities/customers.toml", '"first_order" }', '"first_order", missing = "null" }')
    ended = understudy("check", shop.folder, "--output", "json")
    assert (rings(ended), ended.code) == ([], 0)
