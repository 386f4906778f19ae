"""Rows that refer to others: who waits for whom, and what is done without a parent."""

from typing import Any

import pytest

from tests.integration.apply.migrated import Migrated, change, delete, moved

PARENTS = {"columns": {"id": {"uuid": True}, "name": "name"}}


def make(
    migrated: Migrated,
    missing: str | None = None,
    column: str = "p uuid REFERENCES app.parents",
    **words: Any,
) -> Migrated:
    """Parents, and children that refer to them."""
    rule = {"ref": "parents", "from": "p"} | ({"missing": missing} if missing else {})
    children = {"columns": {"id": {"uuid": True}, "p": rule, "note": "note"}} | words
    migrated.table("parents", "id int PRIMARY KEY, name text", "id uuid PRIMARY KEY, name text")
    migrated.table(
        "children",
        "id int PRIMARY KEY, p int, note text",
        f"id uuid PRIMARY KEY, {column}, note text",
    )
    migrated.connection.execute("CREATE INDEX ON app.children (p)")
    migrated.migrate({"parents": PARENTS, "children": children})
    return migrated


def children(migrated: Migrated) -> dict[str, str | None]:
    """Key of the parent of each child in the target."""
    query = """
        SELECT c.legacy_key, p.legacy_key FROM app.children t
        JOIN understudy.migration_mappings c ON c.id = t.id AND c.entity = 'children'
        LEFT JOIN understudy.migration_mappings p ON p.id = t.p AND p.entity = 'parents'"""
    return dict(migrated.rows(query))


def test_case_084_a_child_waits_for_a_parent_that_may_still_come(migrated: Migrated) -> None:
    make(migrated)
    migrated.apply("children", change(10, id=1, p=7))
    assert (children(migrated), migrated.waiting("children")) == ({}, {"1": "watermark"})
    migrated.apply("parents", change(5, id=7))
    migrated.sweep()
    assert (children(migrated), migrated.waiting("children")) == ({"1": "7"}, {})


def test_case_084_a_child_without_a_parent_is_parked_until_it_comes(migrated: Migrated) -> None:
    make(migrated)
    migrated.mark(20)
    migrated.apply("children", change(10, id=1, p=7), change(11, id=2, p=None))
    assert (children(migrated), migrated.waiting("children")) == ({"2": None}, {"1": "parent"})
    [place] = migrated.rows("SELECT waits_for, waits_id FROM understudy.parked")
    assert place == ("parents", migrated.id("parents", "7"))
    migrated.apply("parents", change(30, id=7))
    migrated.sweep("children")
    assert (children(migrated), migrated.waiting("children")) == ({"1": "7", "2": None}, {})


def test_case_084_children_before_parents_never_meet_a_foreign_key(migrated: Migrated) -> None:
    make(migrated)
    migrated.apply("children", *(change(10, n, id=n, p=n) for n in range(1, 101)))
    migrated.apply("parents", *(change(20, n, id=n) for n in range(1, 101)))
    migrated.sweep()
    assert len(children(migrated)) == 100


def test_a_child_that_must_not_wait_goes_in_without_its_reference_and_gets_it_later(
    migrated: Migrated,
) -> None:
    make(migrated, "null")
    migrated.mark(20)
    migrated.apply("children", change(10, id=1, p=7))
    assert (children(migrated), migrated.waiting("children")) == ({"1": None}, {})
    migrated.apply("parents", change(30, id=7))
    migrated.sweep("children")
    assert children(migrated) == {"1": "7"}
    owed = "SELECT owed FROM understudy.migration_mappings WHERE entity = 'children'"
    assert migrated.rows(owed) == [(None,)]


def test_null_is_not_written_while_the_parent_may_still_come(migrated: Migrated) -> None:
    make(migrated, "null")
    migrated.apply("children", change(10, id=1, p=7))
    assert (children(migrated), migrated.waiting("children")) == ({}, {"1": "watermark"})


def test_a_stub_stands_in_for_an_absent_parent(migrated: Migrated) -> None:
    make(migrated, "stub")
    migrated.mark(20)
    migrated.apply("children", change(10, 1, id=1, p=7), change(10, 2, id=2, p=7))
    assert migrated.rows("SELECT id, name FROM app.parents") == [
        (migrated.id("parents", "7"), None)
    ]
    migrated.apply("parents", change(30, id=7, name="late"))
    assert children(migrated) == {"1": "7", "2": "7"}
    assert migrated.rows("SELECT name FROM app.parents") == [("late",)]


def test_a_missing_parent_may_make_a_dead_letter_that_its_coming_revives(
    migrated: Migrated,
) -> None:
    make(migrated, "dead-letter")
    migrated.mark(20)
    migrated.apply("children", change(10, id=1, p=7))
    [letter] = migrated.rows("SELECT legacy_key, error, column_name FROM understudy.dead_letters")
    assert letter == ("1", "the row of parents that it refers to does not exist", "p")
    migrated.apply("parents", change(30, id=7))
    migrated.sweep("children")
    assert (children(migrated), migrated.waiting("children")) == ({"1": "7"}, {})


def test_keep_writes_the_computed_uuid_and_asks_nobody(migrated: Migrated) -> None:
    make(migrated, column="p uuid")
    migrated.apply("children", change(10, id=1, p=7))
    assert migrated.rows("SELECT p FROM app.children") == [(migrated.id("parents", "7"),)]


def test_keep_under_a_foreign_key_parks_what_the_target_refuses(migrated: Migrated) -> None:
    make(migrated, "keep")
    migrated.apply("children", change(10, 1, id=1, p=7), change(10, 2, id=2, p=None))
    assert (children(migrated), migrated.waiting("children")) == ({"2": None}, {"1": "parent"})
    migrated.apply("parents", change(5, id=7))
    migrated.sweep("children")
    assert children(migrated) == {"1": "7", "2": None}


def test_a_newer_version_without_a_parent_takes_the_older_out_until_it_comes(
    migrated: Migrated,
) -> None:
    make(migrated)
    migrated.mark(50)
    migrated.apply("parents", change(10, id=7))
    migrated.apply("children", change(20, id=1, p=7))
    migrated.apply("children", change(30, id=1, p=8))
    assert (children(migrated), migrated.waiting("children")) == ({}, {"1": "parent"})
    assert migrated.states("children") == {"1": "p"}
    migrated.apply("parents", change(40, id=8))
    migrated.sweep("children")
    assert children(migrated) == {"1": "8"}


def test_a_delete_waits_until_its_children_are_gone(migrated: Migrated) -> None:
    make(migrated)
    migrated.apply("parents", change(10, id=7), change(11, id=8))
    migrated.apply("children", change(20, id=1, p=7))
    migrated.apply("parents", moved(40, "9", id=7), delete(41, id=8))
    assert migrated.states("parents") == {"7": "l", "8": "d"}
    assert migrated.waiting("parents") == {"7": "children"}
    migrated.apply("children", delete(30, id=1))
    migrated.sweep("parents")
    assert (migrated.states("parents"), migrated.waiting("parents")) == ({"7": "d", "8": "d"}, {})
    assert migrated.moved("parents") == {"7": "9"}


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_delete_waits_whatever_the_foreign_key_would_do(migrated: Migrated, action: str) -> None:
    make(migrated, column=f"p uuid REFERENCES app.parents ON DELETE {action}")
    migrated.apply("parents", change(10, id=7))
    migrated.apply("children", change(20, id=1, p=7))
    migrated.apply("parents", delete(40, id=7))
    assert (children(migrated), migrated.waiting("parents")) == ({"1": "7"}, {"7": "children"})


def test_a_delete_waits_for_a_child_of_a_composite_foreign_key(migrated: Migrated) -> None:
    make(migrated, column="p uuid")
    migrated.connection.execute("ALTER TABLE app.parents ADD UNIQUE (name, id)")
    migrated.connection.execute(
        """
        CREATE TABLE app.others (
            n text, p uuid, FOREIGN KEY (n, p) REFERENCES app.parents (name, id) ON DELETE CASCADE)"""
    )
    migrated.migrate({})
    migrated.apply("parents", change(10, id=7, name="a"))
    migrated.connection.execute(
        "INSERT INTO app.others VALUES ('a', %s)", [migrated.id("parents", "7")]
    )
    migrated.apply("parents", delete(40, id=7))
    assert migrated.rows("SELECT count(*) FROM app.others") == [(1,)]
    assert migrated.waiting("parents") == {"7": "children"}


@pytest.mark.parametrize(("missing", "wanted"), [("park", {}), ("null", {"1": None})])
def test_a_delete_past_its_children_runs_them_again_by_their_missing(
    migrated: Migrated, missing: str, wanted: dict[str, str | None]
) -> None:
    make(migrated, missing)
    migrated.mark(15)
    migrated.apply("parents", change(10, id=7))
    migrated.apply("children", change(20, id=1, p=7))
    migrated.apply("parents", delete(40, id=7))
    migrated.sweep()
    assert children(migrated) == {"1": "7"}
    migrated.mark(40)
    migrated.sweep()
    assert (children(migrated), migrated.states("parents")) == (wanted, {"7": "d"})
    migrated.apply("parents", change(50, id=7))
    migrated.sweep()
    assert children(migrated) == {"1": "7"}


def test_a_row_that_leaves_by_where_waits_for_its_children_like_a_delete(
    migrated: Migrated,
) -> None:
    make(migrated)
    migrated.migrate({"parents": PARENTS | {"where": "name <> 'gone'"}})
    migrated.apply("parents", change(10, id=7, name="a"))
    migrated.apply("children", change(20, id=1, p=7))
    migrated.apply("parents", change(40, id=7, name="gone"))
    assert migrated.waiting("parents") == {"7": "children"}
    assert migrated.rows("SELECT name FROM app.parents") == [("a",)]
    migrated.apply("parents", change(50, id=7, name="back"))
    assert (migrated.rows("SELECT name FROM app.parents"), migrated.waiting("parents")) == (
        [("back",)],
        {},
    )


@pytest.mark.parametrize(
    ("missing", "query", "told"),
    [
        ("park", "SELECT reason FROM understudy.parked", "parent excluded"),
        (
            "dead-letter",
            "SELECT error FROM understudy.dead_letters",
            "the row of parents that it refers to is excluded",
        ),
    ],
)
def test_a_row_whose_parent_is_excluded_says_so(
    migrated: Migrated, missing: str, query: str, told: str
) -> None:
    make(migrated, missing)
    migrated.mark(50)
    migrated.apply("children", change(20, id=1, p=7))
    assert migrated.rows(query) != [(told,)]
    migrated.migrate({"parents": PARENTS | {"where": "name <> 'gone'"}})
    migrated.apply("parents", change(10, id=7, name="gone"), change(11, id=8, name="gone"))
    assert migrated.rows(query) == [(told,)]
    migrated.apply("parents", change(60, id=7, name="back"))
    migrated.sweep()
    assert (children(migrated), migrated.rows(query)) == ({"1": "7"}, [])


def test_a_tree_goes_in_and_out_in_any_order(migrated: Migrated) -> None:
    migrated.table(
        "nodes", "id int PRIMARY KEY, up int", "id uuid PRIMARY KEY, up uuid REFERENCES app.nodes"
    )
    rule = {"ref": "nodes", "from": "up"}
    migrated.migrate({"nodes": {"columns": {"id": {"uuid": True}, "up": rule}}})
    migrated.mark(1_000)
    migrated.apply("nodes", *(change(10, n, id=n, up=n // 2 or None) for n in range(31, 0, -1)))
    assert len(migrated.rows("SELECT FROM app.nodes")) == 31
    migrated.apply("nodes", *(delete(20, n, id=n) for n in range(1, 32)))
    assert (migrated.rows("SELECT FROM app.nodes"), migrated.waiting("nodes")) == ([], {})


def test_a_chain_whose_head_is_missing_waits_as_a_whole_and_goes_in_together(
    migrated: Migrated,
) -> None:
    migrated.table(
        "nodes", "id int PRIMARY KEY, up int", "id uuid PRIMARY KEY, up uuid REFERENCES app.nodes"
    )
    rule = {"ref": "nodes", "from": "up"}
    migrated.migrate({"nodes": {"columns": {"id": {"uuid": True}, "up": rule}}})
    migrated.mark(1_000)
    migrated.apply("nodes", *(change(10, n, id=n, up=n - 1) for n in range(2, 40)))
    assert migrated.waiting("nodes") == dict.fromkeys(map(str, range(2, 40)), "parent")
    migrated.apply("nodes", change(20, id=1, up=None))
    migrated.sweep()
    assert (len(migrated.rows("SELECT FROM app.nodes")), migrated.waiting("nodes")) == (39, {})


def test_a_row_may_refer_to_itself(migrated: Migrated) -> None:
    migrated.table(
        "nodes",
        "id int PRIMARY KEY, up int",
        "id uuid PRIMARY KEY, up uuid NOT NULL REFERENCES app.nodes",
    )
    rule = {"ref": "nodes", "from": "up"}
    migrated.migrate({"nodes": {"columns": {"id": {"uuid": True}, "up": rule}}})
    migrated.apply(
        "nodes", change(10, 1, id=1, up=1), change(10, 2, id=2, up=3), change(10, 3, id=3, up=2)
    )
    assert len(migrated.rows("SELECT FROM app.nodes")) == 3


def test_a_reference_may_take_its_key_from_sql(migrated: Migrated) -> None:
    migrated.table("parents", "id int PRIMARY KEY, name text", "id uuid PRIMARY KEY, name text")
    migrated.table(
        "children",
        "id int PRIMARY KEY, kind text, p int",
        "id uuid PRIMARY KEY, p uuid REFERENCES app.parents",
    )
    rule = {"ref": "parents", "sql": "CASE WHEN kind = 'P' THEN CAST(p + 100 AS text) END"}
    migrated.migrate(
        {"parents": PARENTS, "children": {"columns": {"id": {"uuid": True}, "p": rule}}}
    )
    migrated.apply("parents", change(10, id=107))
    migrated.apply(
        "children", change(20, 1, id=1, kind="P", p=7), change(20, 2, id=2, kind="Q", p=7)
    )
    assert children(migrated) == {"1": "107", "2": None}


def test_a_composite_key_is_referred_to_by_its_columns_in_order(migrated: Migrated) -> None:
    migrated.table("parents", "a int, b text, PRIMARY KEY (b, a)", "id uuid PRIMARY KEY")
    migrated.table(
        "children",
        "id int PRIMARY KEY, pa int, pb text",
        "id uuid PRIMARY KEY, p uuid REFERENCES app.parents",
    )
    rule = {"ref": "parents", "from": ["pb", "pa"]}
    migrated.migrate(
        {
            "parents": {"columns": {"id": {"uuid": True}}},
            "children": {"columns": {"id": {"uuid": True}, "p": rule}},
        }
    )
    migrated.apply("parents", change(10, a=1, b="x"))
    migrated.apply(
        "children", change(20, 1, id=1, pa=1, pb="x"), change(20, 2, id=2, pa=1, pb=None)
    )
    assert children(migrated) == {"1": '["x","1"]', "2": None}


def test_case_086_a_deferrable_foreign_key_is_checked_before_the_commit(migrated: Migrated) -> None:
    column = "p uuid REFERENCES app.parents DEFERRABLE INITIALLY DEFERRED"
    make(migrated, "keep", column=column)
    migrated.apply("children", change(10, 1, id=1, p=7), change(10, 2, id=2, p=None))
    assert (children(migrated), migrated.waiting("children")) == ({"2": None}, {"1": "parent"})


OTHERS = """
CREATE TABLE app.others (n text REFERENCES app.parents (name) {});
INSERT INTO app.others VALUES ('a')"""


@pytest.mark.parametrize(
    "action", ["ON DELETE NO ACTION", "ON DELETE RESTRICT", "ON DELETE CASCADE", "DEFERRABLE"]
)
def test_a_delete_that_only_the_target_knows_to_be_held_waits_and_the_others_go(
    migrated: Migrated, action: str
) -> None:
    make(migrated, column="p uuid")
    migrated.connection.execute("ALTER TABLE app.parents ADD UNIQUE (name)")
    migrated.apply("parents", change(10, 1, id=7, name="a"), change(10, 2, id=8, name="b"))
    migrated.connection.execute(OTHERS.format(action).encode())
    migrated.migrate({})
    migrated.apply("parents", delete(40, 1, id=7), delete(40, 2, id=8))
    assert migrated.states("parents") == {"7": "l", "8": "d"}
    assert migrated.rows("SELECT legacy_key, reason, waits_for FROM understudy.waiting") == [
        ("7", "children", "app.others")
    ]
    migrated.connection.execute("DELETE FROM app.others")
    migrated.sweep("parents")
    assert (migrated.states("parents"), migrated.waiting("parents")) == ({"7": "d", "8": "d"}, {})


def test_a_delete_that_the_target_refuses_for_a_child_waits_for_it(migrated: Migrated) -> None:
    make(migrated, column="p uuid")
    migrated.connection.execute(
        "ALTER TABLE app.parents ADD kind text DEFAULT 'k', ADD UNIQUE (kind, name)"
    )
    migrated.connection.execute(
        """
        CREATE TABLE app.others (
            k text, n text, FOREIGN KEY (k, n) REFERENCES app.parents (kind, name) DEFERRABLE)"""
    )
    migrated.migrate({})
    migrated.apply("parents", change(10, 1, id=7, name="a"), change(10, 2, id=8, name="b"))
    migrated.connection.execute("INSERT INTO app.others VALUES ('k', 'a')")
    migrated.apply("parents", delete(40, 1, id=7), delete(40, 2, id=8))
    assert migrated.rows("SELECT legacy_key, reason, waits_for FROM understudy.waiting") == [
        ("7", "children", "app.others")
    ]


def test_a_row_without_its_parent_stays_where_something_unknown_refers_to_it(
    migrated: Migrated,
) -> None:
    make(migrated)
    migrated.connection.execute("ALTER TABLE app.children ADD UNIQUE (note)")
    migrated.connection.execute(
        "CREATE TABLE app.others (n text REFERENCES app.children (note)); INSERT INTO app.others VALUES (NULL)"
    )
    migrated.migrate({})
    migrated.mark(50)
    migrated.apply("parents", change(10, id=7))
    migrated.apply(
        "children", change(20, 1, id=1, p=7, note="a"), change(20, 2, id=2, p=7, note="b")
    )
    migrated.connection.execute("UPDATE app.others SET n = 'a'")
    migrated.apply(
        "children", change(30, 1, id=1, p=8, note="a"), change(30, 2, id=2, p=8, note="b")
    )
    assert children(migrated) == {"1": "7"}
    assert migrated.waiting("children") == {"1": "parent", "2": "parent"}
