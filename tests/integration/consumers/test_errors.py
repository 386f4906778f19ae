"""What a worker does when the target fails: it tries again where that helps, and stops one entity where not."""

import pytest

from schemas.registry import Registry
from tests.integration.consumers.harness import (
    END_SESSIONS,
    LANES_WAITING,
    Pipeline,
    wait_for,
)
from tests.integration.consumers.proxy import proxy
from tests.integration.consumers.publisher import table

# Raises this SQLSTATE the first three times; a sequence is not rolled back.
FAILS = """
CREATE SEQUENCE new.failures;
CREATE FUNCTION new.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('new.failures') <= 3 THEN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fails AFTER INSERT ON new.notes FOR EACH STATEMENT EXECUTE FUNCTION new.fail()"""


@pytest.mark.parametrize("state", ["40001", "40P01", "53100", "53300", "55P03", "57014", "25006"])
def test_case_083_089_091_a_failure_that_passes_is_tried_again(notes: Pipeline, state: str) -> None:
    notes.run(FAILS.format(state=state))
    notes.publisher.snapshot("notes", [{"id": str(n), "body": "a"} for n in range(20)])
    notes.start()
    notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 20
    assert notes.query("SELECT * FROM understudy.waiting") == []
    assert notes.one("SELECT stopped_reason FROM understudy.entities") is None


def test_case_088_a_lock_on_the_target_is_waited_for_again(notes: Pipeline) -> None:
    notes.start()
    with notes.locked("LOCK TABLE new.notes IN ACCESS EXCLUSIVE MODE"):
        notes.publisher.insert("notes", id="1", body="a")
        notes.until(LANES_WAITING, 1)
        since = notes.one("SELECT now()")
        notes.until(f"{LANES_WAITING} AND query_start > '{since}'", 1)
    notes.until_applied()
    assert notes.one("SELECT body FROM new.notes") == "a"


def test_case_090_a_commit_whose_answer_is_lost_is_not_applied_twice(notes: Pipeline) -> None:
    with proxy(notes.dsn) as between:
        running = notes.start(between.dsn)
        notes.until("SELECT count(*) FROM understudy.checkpoints", 2)
        notes.run("CREATE TABLE new.seen AS SELECT id FROM new.notes")
        notes.run(
            "CREATE FUNCTION new.see() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN INSERT INTO new.seen VALUES (NEW.id); RETURN NULL; END $$;"
            " CREATE TRIGGER sees AFTER INSERT OR UPDATE ON new.notes FOR EACH ROW EXECUTE FUNCTION new.see()"
        )
        notes.publisher.insert("notes", id="1", body="a")
        notes.until_applied()
        between.cut_after(b"COMMIT")
        notes.publisher.insert("notes", id="2", body="b")
        notes.until_applied()
        wait_for(lambda: between.cuts == 1, 10, lambda: "the wire was not cut")
        notes.publisher.insert("notes", id="3", body="c")
        notes.until_applied()
        assert running.error is None
        notes.stop()
    assert notes.one("SELECT count(*) FROM new.seen") == 3


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(str(getattr(record, "reason", "")) for record in list(caplog.records))


def test_case_091_a_target_that_is_read_only_for_a_while_is_waited_for(
    notes: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    notes.start()
    notes.publisher.insert("notes", id="1", body="a")
    notes.until_applied()
    database = notes.dsn.rpartition("/")[2]
    notes.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    notes.run(END_SESSIONS)
    notes.publisher.insert("notes", id="2", body="b")
    wait_for(lambda: "25006" in reasons(caplog), 20, lambda: "nothing was tried")
    notes.run(
        "SET default_transaction_read_only = off",
        f"ALTER DATABASE {database} RESET default_transaction_read_only",
        END_SESSIONS,
    )
    notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 2


def test_a_registry_that_is_down_is_asked_again_ever_later_until_it_is_back(
    notes: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    def delays() -> list[float]:
        records = [r for r in list(caplog.records) if r.getMessage() == "not applied"]
        return [vars(r)["delay_s"] for r in records if "registry" in vars(r)["reason"]]

    notes.publisher.alter(table("notes", id="integer", body="text", more="text"), told=False)
    notes.publisher.insert("notes", id="1", body="a")
    notes.registry.close()
    notes.registry = Registry(notes.registry_url, patience_s=0.1)
    client = notes.registry._client._rest_client
    place, client.base_urls = client.base_urls, ["http://127.0.0.1:1"]
    notes.start()
    wait_for(
        lambda: len(delays()) > 1 and max(delays()) > 10 * delays()[0],
        30,
        lambda: f"only {delays()}",
    )
    assert notes.one("SELECT stopped_reason FROM understudy.entities") is None
    client.base_urls = place
    notes.until_applied()
    assert notes.one("SELECT body FROM new.notes") == "a"


def test_an_entity_that_cannot_go_on_stops_alone_and_resumes(notes: Pipeline) -> None:
    notes.run("CREATE TABLE new.others (id uuid PRIMARY KEY, body text)")
    notes.entity("others", 'body = "body"')
    notes.publisher.add(table("others", id="integer", body="text"))
    notes.start()
    for name in ("notes", "others"):
        notes.publisher.insert(name, id="1", body="a")
    notes.until_applied()
    notes.run("ALTER TABLE new.notes DROP COLUMN body")
    notes.publisher.insert("notes", id="2", body="secret")
    stopped = "SELECT stopped_at IS NOT NULL FROM understudy.entities WHERE entity = 'notes'"
    notes.until(stopped, expected=True)
    notes.publisher.insert("others", id="2", body="b")
    notes.until("SELECT count(*) FROM new.others", 2)
    reason = str(notes.one("SELECT stopped_reason FROM understudy.entities WHERE entity = 'notes'"))
    assert "body" in reason
    assert "secret" not in reason
    assert notes.one("SELECT count(*) FROM new.notes") == 1
    notes.run("ALTER TABLE new.notes ADD COLUMN body text")
    notes.run("UPDATE understudy.entities SET stopped_at = NULL, stopped_reason = NULL")
    notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 2


def test_a_paused_entity_waits_and_goes_on_without_loss(notes: Pipeline) -> None:
    notes.start()
    notes.publisher.insert("notes", id="1", body="a")
    notes.until_applied()
    notes.run("UPDATE understudy.entities SET held_at = now()")
    for number in range(2, 40):
        notes.publisher.insert("notes", id=str(number), body="b")
    assert int(str(notes.one("SELECT count(*) FROM new.notes"))) < 40
    notes.run("UPDATE understudy.entities SET held_at = NULL")
    notes.until_applied()
    assert notes.one("SELECT count(*) FROM new.notes") == 39
