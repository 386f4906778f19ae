"""`understudy check` on real servers: how it tells what it finds, and what it says of servers and files."""

import re
from collections.abc import Callable

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from consumers import control
from ops import wiring
from producers import topics
from producers.topics import Topic
from tests.integration.ops.conftest import Ended
from tests.shop import Shop

Command = Callable[..., Ended]


def test_a_sound_migration_has_no_errors(shop: Shop, understudy: Command) -> None:
    ended = understudy("check", shop.folder, "--output", "json")
    errors = [f for f in ended.document["findings"] if f["severity"] == "error"]
    assert (ended.code, errors) == (0, [])


def test_checking_leaves_nothing_behind(shop: Shop, understudy: Command) -> None:
    assert understudy("check", shop.folder).err.endswith(f"next: understudy run {shop.folder}\n")
    with psycopg.connect(shop.target_dsn) as connection:
        found = connection.execute("SELECT to_regnamespace('understudy') IS NULL").fetchall()
    assert found == [(True,)]


def test_a_table_that_init_has_proposed_is_made_by_a_command_that_can_be_copied(
    shop: Shop, understudy: Command
) -> None:
    shop.target("DROP TABLE shop.orders")
    (shop.folder / "target.sql").touch()
    ended = understudy("check", shop.folder)
    assert re.search(rf"psql -h \S+ -p \d+ -U \S+ -d \S+ -f {shop.folder}/target\.sql", ended.out)
    assert "next:" not in ended.err


def test_warns_of_what_may_go_wrong_and_lets_the_pipeline_start(
    shop: Shop, understudy: Command
) -> None:
    shop.target("""
        ALTER TABLE shop.customers ALTER name TYPE varchar(20), ALTER born SET NOT NULL;
        CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER stamped BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
        CREATE UNIQUE INDEX ON shop.customers (lower(name));
    """)
    ended = understudy("check", shop.folder, "--output", "json")
    codes = {finding["code"] for finding in ended.document["findings"]}
    warned = {"type-narrower", "target-triggers", "null-into-not-null", "unique-expression"}
    assert warned <= codes
    assert ended.code == 0


def test_warns_of_a_computed_reference_to_a_key_that_has_a_normal_form(
    shop: Shop, understudy: Command
) -> None:
    shop.source("ALTER TABLE customers ALTER id TYPE numeric(9, 2)")
    shop.edit("entities/orders.toml", 'from = "customer_id"', 'sql = "customer_id::text"')
    ended = understudy("check", shop.folder, "--output", "json")
    found = [f for f in ended.document["findings"] if f["code"] == "reference-form"]
    assert [(f["severity"], f["key"]) for f in found] == [("warning", "columns.customer_id")]
    assert "trim_scale" in found[0]["remedy"]


def test_warns_of_a_local_time_that_is_copied_as_if_it_were_utc(
    shop: Shop, understudy: Command
) -> None:
    shop.edit(
        "entities/customers.toml", '{ from = "created", timezone = "Europe/Vienna" }', '"created"'
    )
    ended = understudy("check", shop.folder, "--output", "json")
    found = [f for f in ended.document["findings"] if f["code"] == "timezone-assumed"]
    assert [(f["severity"], f["key"]) for f in found] == [("warning", "columns.created_at")]
    assert 'from = "created", timezone = ' in found[0]["remedy"]
    assert ended.code == 0


def test_warns_of_rules_that_are_not_those_of_the_rows_in_the_target(
    shop: Shop, understudy: Command
) -> None:
    migration = wiring.read(shop.folder)
    with psycopg.connect(shop.target_dsn, autocommit=True) as connection:
        control.migrate(connection)
        control.register(connection, list(migration.entities.values()), shop.folder)
    shop.edit("entities/customers.toml", "[columns]", "# A comment is no change.\n[columns]")
    shop.edit("entities/orders.toml", "cents >= 0", "cents > 0")
    ended = understudy("check", shop.folder, "--output", "json")
    found = [f for f in ended.document["findings"] if f["code"] == "rules-changed"]
    assert [(f["severity"], f["file"]) for f in found] == [
        ("warning", f"{shop.folder}/entities/orders.toml")
    ]
    assert "rows written before keep" in found[0]["what"]
    assert "understudy reapply" in found[0]["remedy"]
    assert ended.code == 0


def test_a_topic_keeps_its_partitions(shop: Shop, understudy: Command, bootstrap: str) -> None:
    migration = wiring.read(shop.folder)
    name = migration.topic(migration.entities["customers"])
    topic = Topic(name=name, partitions=3, record_bytes_max=1_000_000)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics.create(admin, [topic], replication=1)
    topics.end_offsets(admin, [topic])
    shop.edit("entities/customers.toml", "[columns]", "partitions = 2\n[columns]")
    ended = understudy("check", shop.folder, "--output", "json")
    found = [f for f in ended.document["findings"] if f["code"] == "partitions"]
    assert [(f["severity"], f["key"], f["remedy"][:8]) for f in found] == [
        ("error", "partitions", "Write 3,")
    ]
    assert ended.code == 5


def test_a_finding_is_a_line_with_file_and_key_and_a_line_with_the_remedy(
    shop: Shop, understudy: Command
) -> None:
    shop.edit("entities/orders.toml", '"code"', '"kode"')
    ended = understudy("check", shop.folder)
    lines = ended.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("error:"))
    assert lines[at].startswith(
        f"error: {shop.folder}/entities/orders.toml:10 columns.code: public.orders has no column kode"
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
