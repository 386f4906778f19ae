"""Topics that are read again: what the target has is neither transformed nor staged, what it lacks goes in."""

import pytest

from tests.integration.apply.migrated import Event, Migrated, change, delete

RULES = {"columns": {"id": {"uuid": True}, "word": "word"}}
# Whether the table has another unique key decides by which statements rows are written.
KEYS = {"one key": "word text", "two keys": "word text UNIQUE"}


@pytest.fixture(params=list(KEYS.values()), ids=list(KEYS))
def words(migrated: Migrated, request: pytest.FixtureRequest) -> Migrated:
    migrated.table(
        "words", "id bigint PRIMARY KEY, word text", f"id uuid PRIMARY KEY, {request.param}"
    )
    migrated.migrate({"words": RULES})
    return migrated


def read(words: Migrated, *events: Event) -> list[str]:
    """The keys of the rows of a batch that are left when it is made ready."""
    applier = words.appliers["words"]
    rows = applier.read(words.connection, words._frame(applier, events)).rows
    return [str(key) for key in rows["__key"].to_list()]


def test_once_a_batch_was_stale_only_what_is_new_is_made_ready(words: Migrated) -> None:
    history = [change(10, id=n, word=f"{n}") for n in range(1, 5)]
    words.apply("words", *history)
    assert len(read(words, *history)) == 4
    words.apply("words", *history)
    assert read(words, *history) == []
    words.apply("words", *history)
    newer = [change(20, id=2, word="new"), change(10, id=9, word="9"), delete(20, id=3)]
    assert read(words, *history, *newer) == ["2", "3", "9"]
    words.apply("words", *history, *newer)
    query = "SELECT word FROM app.words ORDER BY word"
    assert words.rows(query) == [("1",), ("4",), ("9",), ("new",)]
    assert len(read(words, *history)) == 4


def test_a_row_that_was_taken_out_or_owes_a_reference_is_not_stale(words: Migrated) -> None:
    history = [change(10, id=n, word=f"{n}") for n in range(1, 5)]
    words.apply("words", *history)
    words.apply("words", *history)
    words.connection.execute("""
        UPDATE understudy.migration_mappings SET state = 'p' WHERE legacy_key = '1';
        UPDATE understudy.migration_mappings SET owed = '{}' WHERE legacy_key = '2'""")
    assert read(words, *history) == ["1", "2"]


@pytest.mark.parametrize("unknown", [False, True])
def test_keys_are_asked_for_as_they_are(migrated: Migrated, *, unknown: bool) -> None:
    migrated.table("names", "name text PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.migrate({"names": {"columns": {"id": {"uuid": True}}}})
    keys = ["a", "", " ", "NULL", "null", "a,b", "{a}", '"', '""', "\\", '\\"', "a\nb", "\té", "'"]
    history = [change(10, n, name=key) for n, key in enumerate(keys)]
    for _ in range(2):
        migrated.apply("names", *history)
    if unknown:
        migrated.connection.execute("DELETE FROM understudy.migration_mappings")
    applier = migrated.appliers["names"]
    rows = applier.read(migrated.connection, migrated._frame(applier, history)).rows
    assert rows["__key"].sort().to_list() == (sorted(keys) if unknown else [])
