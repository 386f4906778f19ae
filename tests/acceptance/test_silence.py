"""No secret and no value of a row in anything that the commands say, whatever goes wrong with the rows."""

from pathlib import Path

import pytest

from tests.acceptance.commands import command, running, wait_for, waiting
from tests.shop import Shop

VALUE, PASSWORD = "canary-in-a-row", "canary-as-a-password"
# Each refuses in its own way the rows that are meant for it; the last three print the row if they are let.
REFUSALS = f"""
ALTER TABLE shop.customers ADD CONSTRAINT no_check CHECK (name <> '{VALUE} check');
CREATE UNIQUE INDEX no_double ON shop.customers (born);
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = '{VALUE} raised' THEN RAISE EXCEPTION 'no %', NEW.name USING DETAIL = NEW.name; END IF;
    IF NEW.name = '{VALUE} cast' THEN PERFORM CAST(NEW.name AS int); END IF;
    IF NEW.name = '{VALUE} said' THEN RAISE WARNING 'seen %', NEW.name; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON shop.customers FOR EACH ROW EXECUTE FUNCTION shop.refuse();
"""
PYTHON = 'country = { from = "name", python = "rules:country" }'
RULES = """
def country(names):
    if any("python" in name for name in names):
        raise ValueError(names)
    return ["AT"] * len(names)
"""
# The last two are born on the day of the one before.
ROWS = f"""
INSERT INTO customers SELECT n, '{VALUE} ' || kind, DATE '2000-01-01' + least(n, 4)::int, '2020-02-02 12:00'
FROM unnest(ARRAY['check', 'raised', 'cast', 'said', 'python', 'double']) WITH ORDINALITY AS kinds (kind, n);
"""  # noqa: S608 - the text above
LATE = f"INSERT INTO customers VALUES (99, '{VALUE} late', NULL, '2020-02-02 12:00')"  # noqa: S608 - the text above


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    empty_shop.target(REFUSALS)
    (empty_shop.folder / "rules.py").write_text(RULES)
    empty_shop.edit("entities/customers.toml", 'country    = { constant = "AT" }', PYTHON)
    # The servers of the tests ask for no password, and take any.
    empty_shop.edit("understudy.toml", "://postgres@", f"://postgres:{PASSWORD}@")
    empty_shop.edit("understudy.toml", 'url = "http://', f'url = "http://someone:{PASSWORD}@')
    return empty_shop


def test_nothing_that_is_said_holds_a_value_of_a_row_or_a_password(
    shop: Shop, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    said = [command("check", shop.folder)]
    shop.source(ROWS)
    with running(log, "run", shop.folder):
        wait_for("the rows", lambda: waiting(shop) == 5, log)
        shop.target("ALTER TABLE shop.customers DROP COLUMN country")
        shop.source(LATE)
        wait_for("the stop", lambda: "event=stopped" in log.read_text(), log)
        said += [command("status", shop.folder), command("status", shop.folder, "--output", "json")]
    shop.edit("understudy.toml", "@127.0.0.1:", "@127.0.0.2:")
    said += [command(word, shop.folder) for word in ("check", "status")]
    texts = [log.read_text(), *(ended.stdout + ended.stderr for ended in said), *reasons(shop)]
    for text in texts:
        assert VALUE not in text
        assert PASSWORD not in text
        assert "Traceback" not in text


def reasons(shop: Shop) -> list[str]:
    rows = shop.read(
        "SELECT concat_ws(' ', error, constraint_name, column_name, waits_for) FROM understudy.waiting"
    )
    assert len(rows) == 5
    return [str(reason) for (reason,) in rows]
