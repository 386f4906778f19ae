"""What the legacy server says for a reason that no row has, or of a key that rows refer to."""

import pytest

from ops import databases
from ops.cutover import reverse_check
from schemas.errors import SourceError
from tests.integration.reverse.conftest import Opened
from tests.integration.reverse.way import DEADLINE_S, Files, Way, wait_for

HELD = "parts_kind_fkey of public.parts"
PARTS = Files(
    source="""
        CREATE TABLE kinds (code text PRIMARY KEY, name text);
        CREATE TABLE parts (nr integer PRIMARY KEY, kind text CONSTRAINT parts_kind_fkey REFERENCES kinds);
        INSERT INTO kinds VALUES ('a', 'axle');
        INSERT INTO parts VALUES (1, 'a');
    """,
    target="""
        CREATE SCHEMA new;
        CREATE TABLE new.kinds (id uuid PRIMARY KEY, code text, name text);
    """,
    entities={
        "kinds": """
            source = "public.kinds"
            target = "new.kinds"
            [columns]
            id = { uuid = true }
            code = "code"
            name = "name"
        """,
    },
)


@pytest.fixture
def parts(opened: Opened) -> Way:
    way = opened(PARTS)
    way.map("kinds", "a")
    way.target("INSERT INTO new.kinds VALUES (%s, 'a', 'axle')", way.id("kinds", "a"))
    way.switch()
    return way


@pytest.mark.parametrize(
    ("action", "effect"),
    [("NO ACTION", "stops the way back"), ("SET NULL", "loses their reference")],
)
def test_a_foreign_key_that_does_not_follow_a_key_is_warned_of_before_the_cutover(
    parts: Way, action: str, effect: str
) -> None:
    parts.source(f"""
        ALTER TABLE parts DROP CONSTRAINT parts_kind_fkey,
            ADD FOREIGN KEY (kind) REFERENCES kinds ON UPDATE {action}
    """)
    with (
        databases.source(parts.at.source_dsn, "test") as source,
        databases.target(parts.at.target_dsn, "test") as target,
    ):
        found = reverse_check.refusals(parts.migration, source, target)
    (warned,) = (finding for finding in found if finding.code == "way-back-key")
    assert f"{effect} where rows refer to it: {HELD} without ON UPDATE CASCADE" in warned.what


def test_a_key_that_a_foreign_key_holds_fast_stops_it_and_the_way_on_is_said(
    parts: Way, capfd: pytest.CaptureFixture[str]
) -> None:
    with parts.running():
        parts.target("UPDATE new.kinds SET code = 'b'")
        assert f"refuses the new key: ForeignKeyViolation {HELD}" in parts.refusal()
        parts.source("""
            ALTER TABLE parts DROP CONSTRAINT parts_kind_fkey,
                ADD FOREIGN KEY (kind) REFERENCES kinds ON UPDATE CASCADE
        """)
        lsn = parts.now()
        wait_for("the new key", lambda: parts.state().applied_lsn >= lsn)
    assert parts.source("SELECT kind FROM parts") == [("b",)]
    assert "add it again with ON UPDATE CASCADE. Then it goes on by itself" in "".join(
        capfd.readouterr()
    )


def test_an_error_of_the_legacy_server_is_said_of_it_with_what_to_do(parts: Way) -> None:
    with pytest.raises(SourceError) as ended, parts.running() as stop:  # noqa: PT012 - it ends in there
        parts.applied()
        parts.source("ALTER TABLE kinds DROP COLUMN name")
        parts.target("UPDATE new.kinds SET name = 'wheel'")
        assert stop.wait(DEADLINE_S)
    assert "SQLSTATE 42703" in ended.value.detail
    assert ended.value.context["server"] == parts.at.source_dsn
    assert "start understudy reverse again" in (ended.value.advice or "")
