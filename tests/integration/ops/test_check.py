"""`understudy check` on real servers: each bad input is one clear line with file, key, remedy and exit code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
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


def test_a_sound_migration_has_no_errors(shop: Shop, understudy: Command) -> None:
    ended = understudy("check", shop.folder, "--output", "json")
    errors = [f for f in ended.document["findings"] if f["severity"] == "error"]
    assert (ended.code, errors) == (0, [])


def test_checking_leaves_nothing_behind(shop: Shop, understudy: Command) -> None:
    assert understudy("check", shop.folder).code == 0
    with psycopg.connect(shop.target_dsn) as connection:
        found = connection.execute("SELECT to_regnamespace('understudy') IS NULL").fetchall()
    assert found == [(True,)]


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
        exit_code=6,
        key="columns.total",
        says='column "sents" does not exist',
        edits=(("cents::numeric", "sents::numeric"),),
    ),
    "a condition that is none": Case(
        code="expression",
        exit_code=6,
        key="where",
        says="must be type boolean",
        edits=(("cents >= 0", "cents + 0"),),
    ),
    "an expectation that cannot be read": Case(
        code="expression",
        exit_code=6,
        key="expect.status",
        says="syntax error",
        edits=(("status < 10", "status <"),),
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


def test_a_ring_of_references_needs_a_deferrable_constraint(
    shop: Shop, understudy: Command
) -> None:
    shop.source("ALTER TABLE customers ADD first_order bigint NOT NULL")
    shop.target(
        "ALTER TABLE shop.customers ADD first_order uuid NOT NULL REFERENCES shop.orders DEFERRABLE"
    )
    shop.edit(
        "entities/customers.toml",
        "country  ",
        'first_order = { ref = "orders", from = "first_order" }\ncountry  ',
    )
    ended = understudy("check", shop.folder, "--output", "json")
    assert [
        (f["code"], f["key"]) for f in ended.document["findings"] if f["severity"] == "error"
    ] == [("ring-not-deferrable", "columns.customer_id")]


def test_warns_of_narrower_types_triggers_and_nulls_and_lets_the_pipeline_start(
    shop: Shop, understudy: Command
) -> None:
    shop.target("""
        ALTER TABLE shop.customers ALTER name TYPE varchar(20), ALTER born SET NOT NULL;
        CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER stamped BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
    """)
    ended = understudy("check", shop.folder, "--output", "json")
    codes = {finding["code"] for finding in ended.document["findings"]}
    assert {"type-narrower", "target-triggers", "null-into-not-null"} <= codes
    assert ended.code == 0


def test_a_finding_is_a_line_with_file_and_key_and_a_line_with_the_remedy(
    shop: Shop, understudy: Command
) -> None:
    shop.edit("entities/orders.toml", '"code"', '"kode"')
    ended = understudy("check", shop.folder)
    lines = ended.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("error:"))
    assert lines[at].startswith(
        f"error: {shop.folder}/entities/orders.toml columns.code: public.orders has no column kode"
    )
    assert lines[at + 1] == "  Correct the name."
    assert "Traceback" not in ended.err


def test_a_wrong_password_is_the_sources_exit_code_and_no_password_is_shown(
    shop: Shop, plain_server: str, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(plain_server, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guarded")
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'right-one'")
    wrong = plain_server.replace("postgres@", "guarded:wrong-one@")
    monkeypatch.setenv("UNDERSTUDY_SOURCE__DSN", wrong)
    ended = understudy("check", shop.folder)
    assert ended.code == 4
    assert "password authentication failed" in ended.out
    assert "source.dsn" in ended.out
    assert "wrong-one" not in ended.out + ended.err


def test_a_server_out_of_the_box_lacks_wal_level_right_and_slot(
    shop: Shop, plain_server: str, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(plain_server, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("SELECT pg_create_physical_replication_slot('taken')")
    monkeypatch.setenv("UNDERSTUDY_SOURCE__DSN", plain_server.replace("postgres@", "plain@"))
    ended = understudy("check", shop.folder, "--output", "json")
    codes = [
        finding["code"] for finding in ended.document["findings"] if finding["severity"] == "error"
    ]
    assert codes[:4] == ["wal-level", "replication-right", "publication-right", "no-free-slot"]
    assert ended.code == 4


@pytest.mark.parametrize(
    ("setting", "exit_code", "key"),
    [
        (("UNDERSTUDY_SOURCE__DSN", "postgresql://nobody@127.0.0.1:1/x"), 4, "source.dsn"),
        (("UNDERSTUDY_TARGET__DSN", "postgresql://nobody@127.0.0.1:1/x"), 6, "target.dsn"),
        (("UNDERSTUDY_KAFKA__BOOTSTRAP", "127.0.0.1:1"), 5, "kafka.bootstrap"),
        (("UNDERSTUDY_REGISTRY__URL", "http://127.0.0.1:1/x"), 5, "registry.url"),
    ],
)
def test_a_server_that_is_down_is_named_with_its_key(
    setting: tuple[str, str],
    exit_code: int,
    key: str,
    shop: Shop,
    understudy: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(*setting)
    monkeypatch.setattr("ops.preflight.broker.REQUEST_TIMEOUT_S", 1.0)
    ended = understudy("check", shop.folder, "--output", "json")
    assert [f["key"] for f in ended.document["findings"] if f["severity"] == "error"] == [key]
    assert ended.code == exit_code


def test_rights_and_row_security_of_the_applying_role_are_checked(
    shop: Shop, understudy: Command
) -> None:
    role = f"role_{shop.folder.name[:20].replace('-', '_')}"
    shop.target(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA shop TO {role}")
    try:
        shop.target(
            f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA shop TO {role};"
            "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY"
        )
        shop.edit(
            "understudy.toml", shop.target_dsn, shop.target_dsn.replace("postgres@", f"{role}@")
        )
        ended = understudy("check", shop.folder, "--output", "json")
        codes = {
            finding["code"]
            for finding in ended.document["findings"]
            if finding["severity"] == "error"
        }
        assert {"control-schema-right", "target-rights", "target-row-security"} <= codes
        assert ended.code == 6
    finally:
        shop.target(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(
    ("file", "edit", "says", "key"),
    [
        (
            "understudy.toml",
            ("pipeline ", "pipline = 'x'\npipeline "),
            "unknown key pipline; did you mean pipeline?",
            "pipline",
        ),
        (
            "entities/orders.toml",
            ("where  =", "wher = 'x'\nwhere  ="),
            "unknown key wher; did you mean where?",
            "wher",
        ),
        (
            "entities/orders.toml",
            ('ref = "customers"', 'ref = "customer"'),
            "did you mean customers?",
            "columns.customer_id.ref",
        ),
    ],
)
def test_a_file_that_is_not_valid_is_the_configurations_exit_code(
    file: str, edit: tuple[str, str], says: str, key: str, shop: Shop, understudy: Command
) -> None:
    shop.edit(file, *edit)
    ended = understudy("check", shop.folder)
    assert ended.code == 3
    first = ended.err.splitlines()[0]
    assert first.startswith("error: ")
    assert says in first
    assert f"file={shop.folder / file}" in first
    assert f"key={key}" in first


def test_a_role_that_owns_no_table_may_use_the_publication_of_the_owner(
    shop: Shop, understudy: Command
) -> None:
    role = f"reader_{shop.pipeline}"
    shop.source(
        f"CREATE ROLE {role} LOGIN REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    )
    try:
        shop.edit(
            "understudy.toml", shop.source_dsn, shop.source_dsn.replace("postgres@", f"{role}@")
        )
        refused = understudy("check", shop.folder, "--output", "json")
        shop.source(f"CREATE PUBLICATION understudy_{shop.pipeline} FOR TABLE customers, orders")
        accepted = understudy("check", shop.folder)
    finally:
        shop.source(f"DROP OWNED BY {role}; DROP ROLE {role}")
    codes = {
        finding["code"]
        for finding in refused.document["findings"]
        if finding["severity"] == "error"
    }
    assert codes == {"publication-right", "source-unpublishable"}
    assert (refused.code, accepted.code) == (4, 0)
