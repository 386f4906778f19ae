"""Versions of one key laid over one another; tests/model searches for what these examples do not show."""

from consumers.overlay import Layer, Version, newest
from schemas.event_id import ZERO, EventId

MAPPING, BATCH, WAITING = Layer.MAPPING, Layer.BATCH, Layer.WAITING


def version(layer: Layer, row: int, at: int, *missing: str, deleted: bool = False) -> Version:
    event_id = EventId(1, at, 1)
    return Version(layer=layer, row=row, id=event_id, deleted=deleted, missing=frozenset(missing))


def test_case_004_a_partial_event_takes_from_the_full_one_of_its_batch() -> None:
    found = newest([version(BATCH, 0, 10), version(BATCH, 1, 20, "t")])
    assert found is not None
    assert (found.row, found.missing, found.donors) == (1, frozenset(), {"t": 0})


def test_case_004_the_order_of_events_is_that_of_their_ids() -> None:
    found = newest([version(BATCH, 1, 20, "t"), version(BATCH, 0, 10)])
    assert found is not None
    assert (found.row, found.donors) == (1, {"t": 0})


def test_case_004_each_column_comes_from_the_last_that_had_it() -> None:
    versions = [
        version(MAPPING, 0, 10),
        version(BATCH, 1, 20, "t"),
        version(BATCH, 2, 30, "t", "u"),
    ]
    found = newest(versions)
    assert found is not None
    assert (found.row, found.donors) == (2, {"t": 0, "u": 1})


def test_a_partial_event_alone_lacks_its_columns() -> None:
    found = newest([version(BATCH, 0, 10, "t")])
    assert found is not None
    assert found.missing == {"t"}


def test_a_deleted_row_is_no_base() -> None:
    found = newest([version(MAPPING, 0, 10, deleted=True), version(BATCH, 1, 20, "t")])
    assert found is not None
    assert found.missing == {"t"}


def test_case_003_the_insert_of_a_key_change_takes_nothing_older_than_itself() -> None:
    moved = Version(
        layer=BATCH,
        row=1,
        id=EventId(1, 20, 2),
        deleted=False,
        missing=frozenset({"t"}),
        first=EventId(1, 20, 2),
    )
    alone = newest([version(MAPPING, 0, 10), moved])
    assert alone is not None
    assert alone.missing == {"t"}
    read_again = newest([version(MAPPING, 0, 10), moved, version(BATCH, 2, 30)])
    assert read_again is not None
    assert (read_again.row, read_again.missing, read_again.first) == (2, frozenset(), ZERO)


def test_case_014_what_is_older_than_the_mapping_is_stale() -> None:
    assert newest([version(MAPPING, 0, 20, deleted=True), version(BATCH, 1, 10)]) is None
    assert newest([version(MAPPING, 0, 20), version(BATCH, 1, 20)]) is None


def test_case_013_of_a_delete_and_an_insert_the_later_one_counts() -> None:
    back = newest([version(BATCH, 0, 10, deleted=True), version(BATCH, 1, 20)])
    assert back is not None
    assert not back.deleted
    gone = newest([version(BATCH, 0, 30, deleted=True), version(BATCH, 1, 20)])
    assert gone is not None
    assert gone.deleted


def test_a_newer_event_replaces_what_waits() -> None:
    found = newest([version(WAITING, 0, 10), version(BATCH, 1, 20)])
    assert found is not None
    assert found.row == 1


def test_a_withdrawn_row_comes_back_at_an_equal_id_but_only_from_what_waits() -> None:
    withdrawn = Version(layer=MAPPING, row=0, id=EventId(1, 10, 1), deleted=False, withdrawn=True)
    found = newest([withdrawn, version(WAITING, 1, 10)])
    assert found is not None
    assert found.row == 1
    assert newest([withdrawn, version(BATCH, 1, 10)]) is None
