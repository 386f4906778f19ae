"""Whose a legacy key is, when rows of the target take it over from one another."""

import pytest

from tests.integration.reverse.conftest import Opened
from tests.integration.reverse.test_rules import BORN, OTHER, staff

FIRST = "(SELECT id FROM understudy.migration_mappings WHERE entity = 'tree' AND legacy_key = 'a')"


def born(id_: str, code: str) -> str:
    return f"INSERT INTO new.tree VALUES ('{id_}', '{code}')"  # noqa: S608 - the test's own values


def renamed(old: str, new: str) -> str:
    return f"UPDATE new.tree SET code = '{new}' WHERE code = '{old}'"  # noqa: S608 - as above


EMPTY = "DELETE FROM new.tree"
HISTORIES = {
    "born twice": (EMPTY, born(BORN, "b"), EMPTY, born(OTHER, "b")),
    "born twice in one transaction": ("; ".join((born(BORN, "b"), EMPTY, born(OTHER, "b"))),),
    "born with a key that was given up": (renamed("a", "c"), born(BORN, "a")),
    "born with a key that was passed through": (
        *(renamed("a", "c"), renamed("c", "d"), born(BORN, "c")),
        *(renamed("c", "e"), born(OTHER, "c")),
    ),
    "come back": (
        *(EMPTY, born(BORN, "a"), EMPTY),
        f"INSERT INTO new.tree SELECT id, 'a' FROM {FIRST} AS first (id)",  # noqa: S608 - as above
    ),
    "swapped": (born(BORN, "b"), renamed("a", "x"), renamed("b", "a"), renamed("x", "b")),
}


@pytest.mark.parametrize(
    "at_once",
    [
        pytest.param(True, id="in one batch"),
        pytest.param(False, id="in one each", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_the_forward_side_will_know_each_row_by_the_uuid_that_it_has(
    opened: Opened, history: tuple[str, ...], *, at_once: bool
) -> None:
    way = staff(opened)
    if at_once:
        for statement in history:
            way.target(statement)
    with way.running():
        for statement in () if at_once else history:
            way.target(statement)
            way.applied()
        way.applied()
    others: dict[str, str] = dict(
        way.source(
            "SELECT legacy_key, id::text FROM understudy.identity_overrides WHERE entity = 'tree'"
        )
    )
    keys = [str(code) for (code,) in way.source("SELECT code FROM tree")]
    known = {key: others.get(key, way.id("tree", key)) for key in keys}
    assert known == dict(way.target("SELECT code, id::text FROM new.tree"))
