"""The rules of an entity file, as the target shows them."""

from typing import Any

import psycopg
import pytest

from tests.integration.apply.migrated import Migrated, Row, change, delete


def make(migrated: Migrated, legacy: str, target: str, rule: Any, **words: Any) -> Migrated:
    """An entity t with a legacy table and one column v beside the UUID."""
    migrated.table("t", f"id int PRIMARY KEY, {legacy}", f"id uuid PRIMARY KEY, {target}")
    migrated.migrate({"t": {"columns": {"id": {"uuid": True}, "v": rule}} | words})
    return migrated


def values(migrated: Migrated) -> dict[str, Any]:
    query = """
        SELECT m.legacy_key, t.v FROM app.t JOIN understudy.migration_mappings m ON m.id = t.id"""
    return dict(migrated.rows(query))


def letters(migrated: Migrated) -> dict[str, tuple[str | None, str]]:
    """Column and error of the dead letters."""
    query = "SELECT legacy_key, column_name, error FROM understudy.dead_letters"
    return {key: (column, error) for key, column, error in migrated.rows(query)}


def test_an_unknown_code_is_a_dead_letter(migrated: Migrated) -> None:
    rule = {"from": "s", "values": {"0": "draft", "1": "sent"}}
    make(migrated, "s int", "v text", rule)
    migrated.apply("t", *(change(10, n, id=n, s=n) for n in range(4)), change(10, 9, id=9, s=None))
    assert values(migrated) == {"0": "draft", "1": "sent", "9": None}
    error = "the code is not in values"
    assert letters(migrated) == {"2": ("v", error), "3": ("v", error)}


def test_a_code_may_be_kept_and_must_then_fit(migrated: Migrated) -> None:
    make(migrated, "s text", "v int", {"from": "s", "values": {"x": 7}, "else": "keep"})
    migrated.apply("t", *(change(10, n, id=n, s=s) for n, s in enumerate(("x", "5", "y"))))
    assert values(migrated) == {"0": 7, "1": 5}
    assert list(letters(migrated)) == ["2"]


def test_a_code_of_an_excluded_row_harms_nobody(migrated: Migrated) -> None:
    rule = {"from": "s", "values": {"0": "draft"}}
    make(migrated, "s int", "v text NOT NULL", rule, where="s < 5")
    migrated.apply("t", change(10, id=1, s=9), change(10, 2, id=2, s=0))
    assert (values(migrated), migrated.waiting("t")) == ({"2": "draft"}, {})


LOCAL = {
    "winter": ("2024-01-15 12:00:00", "2024-01-15 11:00:00+00"),
    "summer": ("2024-07-15 12:00:00", "2024-07-15 10:00:00+00"),
    "before the gap": ("2024-03-31 01:59:59.999999", "2024-03-31 00:59:59.999999+00"),
    "after the gap": ("2024-03-31 03:00:00", "2024-03-31 01:00:00+00"),
    "before the overlap": ("2024-10-27 01:59:59", "2024-10-26 23:59:59+00"),
    "after the overlap": ("2024-10-27 03:00:00", "2024-10-27 02:00:00+00"),
    "far": ("9999-12-31 00:00:00", "9999-12-30 23:00:00+00"),
    "infinity": ("infinity", "infinity"),
    "minus infinity": ("-infinity", "-infinity"),
}
GAP, OVERLAP = "2024-03-31 02:30:00", "2024-10-27 02:30:00"


def local(migrated: Migrated, *texts: str, **words: str) -> list[str | None]:
    """Local times of Vienna as moments; None for a dead letter."""
    rule = {"from": "local", "timezone": "Europe/Vienna"} | words
    make(migrated, "local timestamp", "v timestamptz", rule)
    migrated.apply("t", *(change(10, n, id=n, local=text) for n, text in enumerate(texts)))
    query = """
        SELECT m.legacy_key, CAST(t.v AS text) FROM app.t
        JOIN understudy.migration_mappings m ON m.id = t.id"""
    found = dict(migrated.rows(query))
    return [found.get(str(n)) for n in range(len(texts))]


def test_a_local_time_becomes_a_moment(migrated: Migrated) -> None:
    texts, wanted = zip(*LOCAL.values(), strict=True)
    assert local(migrated, *texts) == list(wanted)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({}, [None, "2024-10-27 00:30:00+00"]),
        ({"gap": "shift"}, ["2024-03-31 01:30:00+00", "2024-10-27 00:30:00+00"]),
        ({"overlap": "second"}, [None, "2024-10-27 01:30:00+00"]),
        ({"overlap": "dead-letter"}, [None, None]),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_is_what_the_rule_says(
    migrated: Migrated, words: dict[str, str], wanted: list[str | None]
) -> None:
    assert local(migrated, GAP, OVERLAP, **words) == wanted
    said = ("does not exist in Europe/Vienna (gap)", "exists twice in Europe/Vienna (overlap)")
    refused = {
        str(n): ("v", f"the local time {said[n]}")
        for n, moment in enumerate(wanted)
        if moment is None
    }
    assert letters(migrated) == refused


@pytest.mark.parametrize(
    ("zone", "text", "wanted"),
    [
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06 14:45:00+00"),
        ("America/St_Johns", "2006-10-29 00:00:30", "2006-10-29 02:30:30+00"),
        ("UTC", OVERLAP, "2024-10-27 02:30:00+00"),
    ],
)
def test_an_overlap_may_be_of_another_length_than_an_hour(
    migrated: Migrated, zone: str, text: str, wanted: str
) -> None:
    [(found,)] = migrated_control(migrated).rows(
        "SELECT CAST(understudy.local_time(CAST(%s AS timestamp), %s, 'first') AS text)", text, zone
    )
    assert found == wanted


def migrated_control(migrated: Migrated) -> Migrated:
    migrated.migrate({})
    return migrated


def test_a_text_that_is_no_local_time_is_a_dead_letter(migrated: Migrated) -> None:
    rule = {"from": "local", "timezone": "Europe/Vienna"}
    make(migrated, "local text", "v timestamptz", rule)
    texts = ("2024-01-15 12:00", "yesterday at noon", None, "2024-01-15 12:00+05")
    migrated.apply("t", *(change(10, n, id=n, local=text) for n, text in enumerate(texts)))
    assert sorted(values(migrated)) == ["0", "2"]
    assert sorted(letters(migrated)) == ["1", "3"]


def test_a_default_stands_where_the_legacy_value_is_null(migrated: Migrated) -> None:
    make(migrated, "n int", "v text", {"from": "n", "default": True})
    migrated.apply("t", change(10, 1, id=1, n=5), change(10, 2, id=2, n=None))
    assert values(migrated) == {"1": "5", "2": "true"}


def test_a_constant_is_in_every_row(migrated: Migrated) -> None:
    make(migrated, "n int", "v text", {"constant": "it's 100 %s"})
    migrated.apply("t", change(10, 1, id=1, n=5), change(10, 2, id=2, n=None))
    assert values(migrated) == {"1": "it's 100 %s", "2": "it's 100 %s"}


def test_some_columns_are_kept_as_json(migrated: Migrated) -> None:
    make(migrated, "a numeric, b text, c boolean", "v jsonb", {"json": ["a", "b"]})
    migrated.apply("t", change(10, id=1, a="1.50", b='"\\', c=True))
    assert values(migrated) == {"1": {"a": "1.50", "b": '"\\'}}


def test_sql_computes_with_the_legacy_types(migrated: Migrated) -> None:
    rule = {"sql": "CAST(cents AS numeric) / 100 -- so many 100 %s\n"}
    make(migrated, "cents bigint", "v numeric(18,2)", rule)
    migrated.apply("t", change(10, id=1, cents=2**53 + 1))
    assert str(values(migrated)["1"]) == "90071992547409.93"


def test_sql_that_fails_for_a_row_makes_that_row_a_dead_letter(migrated: Migrated) -> None:
    make(migrated, "n int", "v int", {"sql": "100 / n"})
    migrated.apply("t", *(change(10, n, id=n, n=n - 2) for n in range(1, 6)))
    assert sorted(values(migrated)) == ["1", "3", "4", "5"]
    assert letters(migrated) == {"2": (None, "the target refused the row: DivisionByZero")}


def test_sql_that_finds_two_values_for_a_row_makes_that_row_a_dead_letter(
    migrated: Migrated,
) -> None:
    make(migrated, "n int", "v int", {"sql": "(SELECT 7 FROM generate_series(1, n))"})
    migrated.apply("t", *(change(10, n, id=n, n=n) for n in range(4)))
    assert values(migrated) == {"0": None, "1": 7}
    assert sorted(letters(migrated)) == ["2", "3"]


PYTHON = """
def plain(values):
    return [value.replace(" ", "") for value in values]
"""


def test_a_python_rule_that_fails_for_a_row_makes_that_row_a_dead_letter(
    migrated: Migrated,
) -> None:
    (migrated.folder / "rules.py").write_text(PYTHON)
    make(migrated, "tel text", "v text", {"from": "tel", "python": "rules:plain"})
    texts = ("1 2", None, "3 4", "5")
    migrated.apply("t", *(change(10, n, id=n, tel=text) for n, text in enumerate(texts)))
    assert values(migrated) == {"0": "12", "2": "34", "3": "5"}
    assert letters(migrated) == {"1": ("v", "the Python rule failed with AttributeError")}
    migrated.apply("t", delete(20, id=1), delete(20, 2, id=2))
    assert (sorted(values(migrated)), migrated.waiting("t")) == (["0", "3"], {})


def test_a_row_that_where_excludes_leaves_and_may_return(migrated: Migrated) -> None:
    make(migrated, "n int, gone date", "v int", "n", where="gone IS NULL")
    migrated.apply("t", change(10, 1, id=1, n=5, gone="2020-01-01"), change(10, 2, id=2, n=6))
    assert (values(migrated), migrated.states("t")) == ({"2": 6}, {"1": "x", "2": "l"})
    migrated.apply("t", change(20, 1, id=1, n=5), change(20, 2, id=2, n=6, gone="2020-01-01"))
    assert (values(migrated), migrated.states("t")) == ({"1": 5}, {"1": "l", "2": "x"})


def test_an_excluded_row_is_the_base_of_the_partial_event_that_brings_it_back(
    migrated: Migrated,
) -> None:
    make(migrated, "n text, gone date", "v text", "n", where="gone IS NULL")
    migrated.apply("t", change(10, id=1, n="long", gone="2020-01-01"))
    migrated.apply("t", change(20, id=1, gone=None, lacks=["n"]))
    assert values(migrated) == {"1": "long"}


def test_an_excluded_row_does_not_come_back_by_a_replay(migrated: Migrated) -> None:
    make(migrated, "n int", "v int", "n", where="n < 10")
    migrated.apply("t", change(10, id=1, n=5))
    migrated.apply("t", change(20, id=1, n=50))
    migrated.apply("t", change(10, id=1, n=5))
    assert values(migrated) == {}


def test_a_row_that_breaks_an_expectation_is_a_dead_letter_and_null_breaks_none(
    migrated: Migrated,
) -> None:
    make(migrated, "n int", "v int", "n", expect={"positive": "n >= 0"})
    migrated.apply(
        "t", change(10, 1, id=1, n=-5), change(10, 2, id=2, n=None), change(10, 3, id=3, n=0)
    )
    assert values(migrated) == {"2": None, "3": 0}
    assert letters(migrated) == {"1": ("positive", "breaks the rule expect.positive")}


def test_the_original_row_is_kept_in_the_mapping(migrated: Migrated) -> None:
    make(migrated, "n numeric, note text", "v numeric", "n")
    migrated.apply("t", change(10, id=1, n="1.50", note="not migrated"))
    original = "SELECT original FROM understudy.migration_mappings"
    assert migrated.rows(original) == [({"id": 1, "n": "1.50", "note": "not migrated"},)]
    migrated.apply("t", delete(20, id=1))
    assert migrated.rows(original) == [({"id": 1, "n": "1.50", "note": "not migrated"},)]


FLOATS = (1.0, -0.0, 0.1, 1e14, 1e15, 123456.75, 1e-4, 1.5e-5, 5e-324, float("inf"), float("nan"))


@pytest.mark.parametrize("kind", ["real", "double precision"])
def test_a_float_is_the_text_that_the_server_prints(migrated: Migrated, kind: str) -> None:
    make(migrated, f"x {kind}", "v text", {"from": "x", "values": {"1": "one"}, "else": "keep"})
    floats = [n for n in FLOATS if kind != "real" or n != 5e-324]
    migrated.apply("t", *(change(10, n, id=n, x=x) for n, x in enumerate(floats, start=1)))
    printed = [migrated.rows(f"SELECT CAST(CAST(%s AS {kind}) AS text)", x)[0][0] for x in floats]
    assert [values(migrated)[str(n)] for n in range(2, len(floats) + 1)] == printed[1:]
    assert values(migrated)["1"] == "one"
    kept = "SELECT original->>'x' FROM understudy.migration_mappings ORDER BY legacy_key::int"
    assert [row[0] for row in migrated.rows(kept)] == printed


def test_without_originals_none_is_kept_and_a_partial_event_waits_for_a_full_row(
    migrated: Migrated,
) -> None:
    make(migrated, "n text", "v text", "n", originals=False)
    migrated.apply("t", change(10, id=1, n="a"))
    assert migrated.rows("SELECT original FROM understudy.migration_mappings") == [(None,)]
    migrated.apply("t", change(20, id=1, lacks=["n"]))
    assert (values(migrated), migrated.waiting("t")) == ({"1": "a"}, {"1": "base"})
    migrated.apply("t", change(30, id=1, n="b"))
    assert (values(migrated), migrated.waiting("t")) == ({"1": "b"}, {})


def test_an_image_from_the_time_of_originals_is_no_base_afterwards(migrated: Migrated) -> None:
    make(migrated, "n text, m int", "v text", "n")
    migrated.apply("t", change(10, id=1, n="old", m=1))
    rules = {"id": {"uuid": True}, "v": "n"}
    migrated.migrate({"t": {"columns": rules, "originals": False}})
    migrated.apply("t", change(20, id=1, n="new", m=1))
    migrated.migrate({"t": {"columns": rules}})
    migrated.apply("t", change(30, id=1, m=2, lacks=["n"]))
    assert values(migrated) == {"1": "new"}
    assert migrated.waiting("t") == {"1": "base"}


def test_case_093_identity_and_generated_columns_of_the_target(migrated: Migrated) -> None:
    target = "v int, number int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (v * 2) STORED"
    migrated.table("t", "id int PRIMARY KEY, n int, no int", f"id uuid PRIMARY KEY, {target}")
    rules = {"id": {"uuid": True}, "v": "n", "number": "no"}
    migrated.migrate({"t": {"columns": rules}})
    migrated.apply("t", change(10, id=1, n=5, no=42))
    migrated.apply("t", change(20, id=1, n=6, no=42))
    assert migrated.rows("SELECT v, number, twice FROM app.t") == [(6, 42, 12)]


def test_case_093_and_with_a_unique_key_on_the_identity(migrated: Migrated) -> None:
    target = "v int, number int GENERATED ALWAYS AS IDENTITY UNIQUE"
    migrated.table("t", "id int PRIMARY KEY, n int, no int", f"id uuid PRIMARY KEY, {target}")
    migrated.migrate({"t": {"columns": {"id": {"uuid": True}, "v": "n", "number": "no"}}})
    migrated.apply("t", change(10, id=1, n=5, no=42), change(10, 2, id=2, n=5, no=43))
    migrated.apply("t", change(20, id=1, n=6, no=42))
    assert sorted(migrated.rows("SELECT v, number FROM app.t")) == [(5, 43), (6, 42)]


def test_columns_that_no_rule_writes_keep_what_the_target_gives_them(migrated: Migrated) -> None:
    make(migrated, "n int", "v int, seen int DEFAULT 7", "n")
    migrated.apply("t", change(10, id=1, n=5))
    migrated.connection.execute("UPDATE app.t SET seen = 8")
    migrated.apply("t", change(20, id=1, n=6))
    assert migrated.rows("SELECT v, seen FROM app.t") == [(6, 8)]


def test_case_116_names_are_quoted_everywhere(migrated: Migrated) -> None:
    migrated.table(
        '"Sele""ct %s"',
        '"a key" int PRIMARY KEY, "va""l\\ue" text, "state" text, "legacy_key" int, "%s" int, "__v" int',
        '"üid" uuid PRIMARY KEY, "select" text UNIQUE, "%s" int, "state" text, "up" uuid',
    )
    rules = {
        "üid": {"uuid": True},
        "select": 'va"l\\ue',
        "%s": "%s",
        "state": {"sql": "upper(state) || legacy_key"},
        "up": {"ref": "odd-name", "from": "a key", "missing": "null"},
    }
    place = {"schema": "legacy", "table": 'Sele"ct %s'}
    there = {"schema": "app", "table": 'Sele"ct %s'}
    where = "\"%s\" >= 0 AND state NOT LIKE 'x%'"
    migrated.migrate(
        {"odd-name": {"source": place, "target": there, "columns": rules, "where": where}}
    )
    row: Row = {"a key": 1, 'va"l\\ue': "x", "state": "a", "legacy_key": 5, "%s": 3}
    other: Row = {"a key": 2, 'va"l\\ue': "y", "state": "b", "legacy_key": 6, "%s": 4}
    migrated.apply("odd-name", change(10, 1, **row), change(10, 2, **other))
    migrated.apply(
        "odd-name",
        change(20, 1, **{**row, 'va"l\\ue': "y"}),
        change(20, 2, **{**other, 'va"l\\ue': "x"}),
    )
    found = migrated.rows(
        'SELECT "select", "%s", "state" FROM app."Sele""ct %s" ORDER BY 1',
    )
    assert found == [("x", 4, "B6"), ("y", 3, "A5")]
    migrated.apply("odd-name", delete(30, 1, **{"a key": 1}), delete(30, 2, **{"a key": 2}))
    assert set(migrated.states("odd-name").values()) == {"d"}


def test_an_entity_of_which_only_the_key_is_migrated(migrated: Migrated) -> None:
    migrated.table("t", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.migrate({"t": {"columns": {"id": {"uuid": True}}}})
    migrated.apply("t", change(10, id=1))
    migrated.apply("t", change(20, id=1), change(20, 2, id=2))
    assert len(migrated.rows("SELECT FROM app.t")) == 2
    migrated.apply("t", delete(30, id=1))
    assert len(migrated.rows("SELECT FROM app.t")) == 1


def test_a_rule_that_the_target_does_not_understand_stops_the_entity(migrated: Migrated) -> None:
    make(migrated, "n int", "v int", {"sql": "no_such_function(n)"})
    with pytest.raises(psycopg.errors.UndefinedFunction):
        migrated.apply("t", change(10, id=1, n=5))
