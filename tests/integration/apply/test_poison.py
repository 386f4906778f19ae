"""Rows that the target does not take: each is set aside with its reason, and the others go on."""

from typing import Any

import psycopg
import pytest

from tests.integration.apply.migrated import SCHEMA_ID, Migrated, change, delete


@pytest.fixture
def make(migrated: Migrated) -> Any:
    """Makes an entity `t` with one column v, of a legacy type and a target type."""

    def made(legacy: str, target: str, rule: object = "v", **words: Any) -> Migrated:
        migrated.table(
            "t", f"id bigint PRIMARY KEY, v {legacy}", f"id uuid PRIMARY KEY, v {target}"
        )
        migrated.migrate({"t": {"columns": {"id": {"uuid": True}, "v": rule}} | words})
        return migrated

    return made


def text(migrated: Migrated) -> dict[str, str | None]:
    """The target's values as text, by legacy key."""
    query = """
        SELECT m.legacy_key, CAST(t.v AS text) FROM app.t
        JOIN understudy.migration_mappings m ON m.id = t.id"""
    return dict(migrated.rows(query))


def letter(migrated: Migrated) -> dict[str, Any]:
    """The only dead letter."""
    columns = (
        "legacy_key, sqlstate, error, constraint_name, column_name,"
        ' topic, partition, "offset", schema_id, image'
    )
    rows = migrated.rows(f"SELECT {columns} FROM understudy.dead_letters")  # noqa: S608 - the names above
    assert len(rows) == 1
    names = [name.strip(' "') for name in columns.split(",")]
    return dict(zip(names, rows[0], strict=True))


def test_case_097_json_goes_into_a_json_column_as_it_is(make: Any) -> None:
    migrated = make("json", "json")
    value = '{"b": 1e400,  "a": "\\u0000", "b": 2}'
    migrated.apply("t", change(10, id=1, v=value))
    assert text(migrated) == {"1": value}


def test_case_087_a_dead_letter_says_what_and_where_without_the_value(make: Any) -> None:
    migrated = make("int", "int CONSTRAINT small CHECK (v < 10)")
    migrated.apply("t", change(10, id=1, v=5), change(10, 2, id=2, v=66))
    found = letter(migrated)
    image = found.pop("image")
    assert found == {
        "legacy_key": "2",
        "sqlstate": "23514",
        "error": "the target refused the row: CheckViolation",
        "constraint_name": "small",
        "column_name": None,
        "topic": "test.legacy.t",
        "partition": 0,
        "offset": 1,
        "schema_id": SCHEMA_ID,
    }
    assert image == {"id": 2, "v": 66}


def test_case_087_a_misfit_names_its_column(make: Any) -> None:
    migrated = make("text", "int")
    migrated.apply("t", change(10, id=2, v="secret words"))
    found = letter(migrated)
    assert (found["column_name"], found["sqlstate"]) == ("v", None)
    assert found["error"] == "the value is not one of the target column v"


def test_case_087_a_correction_at_the_source_takes_the_place_of_a_dead_letter(make: Any) -> None:
    migrated = make("text", "int")
    migrated.apply("t", change(10, id=1, v="one"))
    assert migrated.waiting("t") == {"1": "rule"}
    migrated.apply("t", change(20, id=1, v="1"))
    assert (text(migrated), migrated.waiting("t")) == ({"1": "1"}, {})


def test_case_087_a_delete_takes_a_dead_letter_away(make: Any) -> None:
    migrated = make("text", "int")
    migrated.apply("t", change(10, id=1, v="one"))
    migrated.apply("t", delete(20, id=1))
    assert (text(migrated), migrated.waiting("t")) == ({}, {})


def test_case_087_a_replay_of_the_older_row_leaves_a_dead_letter_as_it_is(make: Any) -> None:
    migrated = make("text", "int")
    migrated.apply("t", change(10, id=1, v="1"))
    migrated.apply("t", change(20, id=1, v="two"))
    migrated.apply("t", change(10, id=1, v="1"))
    assert (text(migrated), migrated.waiting("t")) == ({"1": "1"}, {"1": "rule"})


def test_case_087_many_poison_rows_do_not_stop_the_others(make: Any) -> None:
    migrated = make("int", "int CHECK (v <> 3)", where="v <> 5")
    rows = [change(10, n, id=n, v=n % 7) for n in range(1, 701)]
    migrated.apply("t", *rows)
    assert len(text(migrated)) == 500
    assert len(migrated.waiting("t")) == 100
    assert list(migrated.states("t").values()).count("x") == 100
    migrated.connection.execute("SELECT pg_stat_force_next_flush()")
    written = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 't' AND schemaname = 'app'"
    assert migrated.rows(written) == [(500,)], "each row is written once, not again in halves"


def test_case_095_a_trigger_that_does_otherwise_makes_dead_letters_and_no_missing_rows(
    make: Any,
) -> None:
    migrated = make("int", "int")
    migrated.connection.execute("""
        CREATE FUNCTION app.other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.v = 3 THEN NULL ELSE OLD END; END IF;
            IF NEW.v = 1 THEN RETURN NULL; END IF;
            IF NEW.v = 2 THEN NEW.id := gen_random_uuid(); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER other BEFORE INSERT OR DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.other()""")
    migrated.migrate({})
    migrated.apply("t", *(change(10, n, id=n, v=n) for n in range(1, 6)))
    assert (text(migrated), set(migrated.waiting("t"))) == (
        {"3": "3", "4": "4", "5": "5"},
        {"1", "2"},
    )
    assert migrated.rows("SELECT count(*) FROM app.t") == [(3,)]
    migrated.apply("t", *(delete(20, n, id=n) for n in (3, 4)))
    assert (text(migrated), migrated.states("t")["4"]) == ({"3": "3", "5": "5"}, "d")
    assert migrated.waiting("t") == {"1": "rule", "2": "rule", "3": "rule"}
    reasons = "SELECT DISTINCT error FROM understudy.dead_letters"
    assert migrated.rows(reasons) == [("a trigger of the target does not let the row be",)]


def test_case_092_a_missing_right_stops_and_sets_nothing_aside(make: Any) -> None:
    migrated = make("int", "int")
    migrated.connection.execute("DISCARD TEMP")
    migrated.connection.execute("CREATE ROLE no_writer")
    try:
        migrated.connection.execute("GRANT USAGE ON SCHEMA app, understudy TO no_writer")
        migrated.connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA understudy TO no_writer")
        migrated.connection.execute("SET ROLE no_writer")
        migrated.appliers["t"].stage.prepare(migrated.connection.cursor())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            migrated.apply("t", change(10, id=1, v=1), change(10, 2, id=2, v=2))
    finally:
        migrated.connection.execute("RESET ROLE")
        migrated.connection.execute("DROP OWNED BY no_writer; DROP ROLE no_writer")
    assert migrated.waiting("t") == {}


def test_case_092_row_security_stops_and_sets_nothing_aside(make: Any) -> None:
    migrated = make("int", "int")
    migrated.connection.execute("DISCARD TEMP")
    migrated.connection.execute("CREATE ROLE no_policy")
    try:
        migrated.connection.execute("GRANT USAGE ON SCHEMA app, understudy TO no_policy")
        migrated.connection.execute(
            "GRANT ALL ON ALL TABLES IN SCHEMA app, understudy TO no_policy"
        )
        migrated.connection.execute("ALTER TABLE app.t ENABLE ROW LEVEL SECURITY")
        migrated.connection.execute("SET ROLE no_policy")
        migrated.appliers["t"].stage.prepare(migrated.connection.cursor())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            migrated.apply("t", change(10, id=1, v=1))
    finally:
        migrated.connection.execute("RESET ROLE")
        migrated.connection.execute("DROP OWNED BY no_policy; DROP ROLE no_policy")
    assert migrated.waiting("t") == {}


def test_case_092_a_dropped_table_stops_and_sets_nothing_aside(make: Any) -> None:
    migrated = make("int", "int")
    migrated.connection.execute("DROP TABLE app.t")
    with pytest.raises(psycopg.errors.UndefinedTable):
        migrated.apply("t", change(10, id=1, v=1), change(10, 2, id=2, v=2))
    assert migrated.waiting("t") == {}


def raising(migrated: Migrated, trigger: str, **words: str) -> None:
    """A trigger on app.t that refuses the value 2."""
    using = (
        " USING " + ", ".join(f"{name} = '{word}'" for name, word in words.items()) if words else ""
    )
    migrated.connection.execute(
        f"""
        CREATE FUNCTION app.fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.v = 2 THEN RAISE EXCEPTION 'value % is not liked', NEW.v {using}; END IF;
            RETURN NEW;
        END $$;
        CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION app.fail()""".encode()
    )


def test_case_083_a_deadlock_rolls_the_whole_batch_back(make: Any) -> None:
    migrated = make("int", "int")
    raising(migrated, "TRIGGER f BEFORE INSERT ON app.t", errcode="40P01")
    with pytest.raises(psycopg.errors.DeadlockDetected):
        migrated.apply("t", *(change(10, n, id=n, v=n) for n in range(1, 5)))
    assert (text(migrated), migrated.states("t"), migrated.waiting("t")) == ({}, {}, {})


@pytest.mark.parametrize(
    "trigger",
    [
        "TRIGGER f BEFORE INSERT ON app.t",
        "CONSTRAINT TRIGGER f AFTER INSERT ON app.t DEFERRABLE INITIALLY DEFERRED",
    ],
)
def test_case_095_a_row_that_a_trigger_refuses_is_a_dead_letter(make: Any, trigger: str) -> None:
    migrated = make("int", "int")
    raising(migrated, trigger)
    migrated.apply("t", *(change(10, n, id=n, v=n) for n in range(1, 5)))
    assert list(text(migrated)) == ["1", "3", "4"]
    found = letter(migrated)
    assert found["sqlstate"] == "P0001"
    assert found["error"] == "the target refused the row: RaiseException"


def test_case_095_a_trigger_may_mend_a_row_before_it_is_checked(make: Any) -> None:
    migrated = make("int", "int NOT NULL CHECK (v < 100)")
    migrated.connection.execute(
        b"""
        CREATE FUNCTION app.mend() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.v := least(coalesce(NEW.v, 0), 99); RETURN NEW; END $$;
        CREATE TRIGGER m BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.mend()"""
    )
    migrated.migrate({})
    migrated.apply("t", change(10, 1, id=1, v=None), change(10, 2, id=2, v=500))
    assert text(migrated) == {"1": "0", "2": "99"}
