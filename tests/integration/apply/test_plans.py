"""A batch costs what it is long, not what the table is long."""

from ops.proof.hold import Hold
from tests.integration.apply.migrated import Migrated, change, delete

ROWS = 3_000
_READ = """
SELECT relname, seq_scan FROM pg_stat_user_tables
WHERE schemaname = 'app' OR relname LIKE 'migration_mappings%' ORDER BY 1"""


def make(migrated: Migrated) -> None:
    """Parents with a unique name and a tree of their own, and children."""
    migrated.table(
        "parents",
        "id int PRIMARY KEY, name text, up int",
        "id uuid PRIMARY KEY, name text UNIQUE, up uuid REFERENCES app.parents",
    )
    migrated.table(
        "children",
        "id int PRIMARY KEY, p int, note text",
        "id uuid PRIMARY KEY, p uuid NOT NULL REFERENCES app.parents, note text",
    )
    migrated.connection.execute(
        "CREATE INDEX ON app.parents (up); CREATE INDEX ON app.children (p)"
    )
    parents = {"id": {"uuid": True}, "name": "name", "up": {"ref": "parents", "from": "up"}}
    children = {"id": {"uuid": True}, "p": {"ref": "parents", "from": "p"}, "note": "note"}
    migrated.migrate(
        {"parents": {"columns": parents, "where": "name <> ''"}, "children": {"columns": children}}
    )
    migrated.mark(1_000_000)


def whole_tables(migrated: Migrated) -> list[tuple[str, int]]:
    """How often each table was read from its beginning to its end."""
    migrated.connection.execute("SELECT pg_stat_force_next_flush()")
    return [(name, scans) for name, scans in migrated.rows(_READ)]


def batches(migrated: Migrated, at: int, keys: range) -> None:
    """Every kind of event, for some keys."""
    named = [change(at, n, id=n, name=f"{at} {n}", up=n // 2 or None) for n in keys]
    swapped = [change(at + 1, n, id=n, name=f"{at} {n ^ 1}", up=n // 2 or None) for n in keys]
    partial = [change(at + 2, n, id=n, up=n // 2 or None, lacks=["name"]) for n in keys]
    for events in (named, swapped, partial):
        migrated.apply("parents", *events)
    migrated.apply("children", *(change(at, n, id=n, p=n, note="a") for n in keys))
    migrated.apply("children", *(change(at + 1, n, id=n, p=n, lacks=["note"]) for n in keys))
    migrated.apply("children", *(delete(at + 2, n, id=n) for n in keys))
    migrated.apply("parents", *(delete(at + 3, n, id=n) for n in keys))
    migrated.apply("parents", *(change(at + 4, n, id=n, name=f"{at} {n}") for n in keys))


def test_no_batch_reads_a_whole_table_whatever_the_statistics_say(migrated: Migrated) -> None:
    make(migrated)
    keys = range(2, ROWS + 2)
    migrated.apply("parents", *(change(10, n, id=n, name=str(n)) for n in keys))
    migrated.apply("children", *(change(10, n, id=n, p=n, note="a") for n in keys))
    before = whole_tables(migrated)
    batches(migrated, 100, keys[:1])
    batches(migrated, 200, keys[: ROWS // 2])
    migrated.connection.execute("ANALYZE")
    batches(migrated, 300, keys[: ROWS // 2])
    assert whole_tables(migrated) == before


def test_a_look_at_what_could_go_reads_each_mapping_once_however_many_rows_wait(
    migrated: Migrated,
) -> None:
    make(migrated)
    keys = range(2, ROWS + 2)
    migrated.apply("parents", *(change(10, n, id=n, name=str(n)) for n in keys))
    migrated.apply("children", *(change(10, n, id=n, p=n + 10_000, note="a") for n in keys))
    migrated.connection.execute(
        "ANALYZE; SET work_mem = '64kB'"
    )  # No mapping worth the name fits in it.
    before = dict(whole_tables(migrated))
    hold = Hold(migrated.connection, ["parents", "children"])
    assert hold.could_go() == 0
    after = dict(whole_tables(migrated))
    mapping = "migration_mappings_parents"
    assert after[mapping] - before[mapping] <= 1
    migrated.apply("parents", change(20, 10_002, id=10_002, name="late"))
    assert hold.could_go() == 1
