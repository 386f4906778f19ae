"""Random histories of rows and of what joins them: whatever the order, the target ends as the source."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.apply.migrated import Event, Migrated, change, delete

DOCTORS = {"columns": {"id": {"uuid": True}, "name": "name"}}
DETAILS = {
    "columns": {"id": {"join": "doctors", "from": "doctor"}, "bio": "bio"},
    "target": "app.doctors",
    "where": "bio <> 'hidden'",
}
FORGET = """
    TRUNCATE app.doctors, understudy.migration_mappings, understudy.waiting;
    UPDATE understudy.checkpoints SET watermark = 0"""
DOCTOR_KEYS, DETAIL_KEYS = (1, 2, 3), (70, 71, 72)
# Who is changed and how: a doctor (comes, goes), or a detail (joins a doctor, goes, is hidden).
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("doctors"), st.sampled_from(DOCTOR_KEYS), st.booleans()),
        st.tuples(
            st.just("details"),
            st.sampled_from(DETAIL_KEYS),
            st.sampled_from([*DOCTOR_KEYS, None, "gone", "hidden"]),
        ),
    ),
    min_size=1,
    max_size=14,
)
Step = tuple[str, int, Any]
Source = dict[tuple[str, int], dict[str, Any]]


@pytest.fixture
def doctors(migrated: Migrated) -> Migrated:
    """Doctors, and what another legacy table says of them."""
    migrated.table(
        "doctors", "id int PRIMARY KEY, name text", "id uuid PRIMARY KEY, name text, bio text"
    )
    migrated.connection.execute(
        "CREATE TABLE legacy.details (id int PRIMARY KEY, doctor int, bio text)"
    )
    migrated.migrate({"doctors": DOCTORS, "details": DETAILS})
    return migrated


def event_of(step: Step, at: int) -> Event:
    """The event of a step, at its own LSN."""
    table, key, what = step
    if what == "gone" or (table == "doctors" and not what):
        return delete(at, id=key)
    if table == "doctors":
        return change(at, id=key, name=f"doctor {key} at {at}")
    hidden = what == "hidden"
    doctor = DOCTOR_KEYS[0] if hidden else what
    return change(at, id=key, doctor=doctor, bio="hidden" if hidden else f"detail {key} at {at}")


def source_after(events: Sequence[tuple[str, Event]]) -> Source:
    """What the legacy tables hold at the end."""
    rows: Source = {}
    for table, event in events:
        place = table, event.row["id"]
        if event.op == "d":
            rows.pop(place, None)
        else:
            rows[place] = dict(event.row)
    return rows


def expected(source: Source) -> dict[str, set[str | None]]:
    """By name of each doctor, what may stand in `bio`: of several that join one, any."""
    found: dict[str, set[str | None]] = {}
    for (table, key), doctor in source.items():
        if table == "doctors":
            bios = {
                row["bio"]
                for (other, _), row in source.items()
                if other == "details" and row["doctor"] == key and row["bio"] != "hidden"
            }
            found[doctor["name"]] = bios or {None}
    return found


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(STEPS, st.data())
def test_every_order_ends_as_the_source(
    doctors: Migrated, steps: list[Step], data: st.DataObject
) -> None:
    doctors.connection.execute(FORGET)
    events = [(step[0], event_of(step, at)) for at, step in enumerate(steps, start=1)]
    left = {name: [event for table, event in events if table == name] for name in doctors.appliers}
    while any(left.values()):
        name = data.draw(st.sampled_from([name for name, queue in left.items() if queue]))
        count = data.draw(st.integers(1, len(left[name])))
        doctors.apply(name, *left[name][:count])
        again = data.draw(st.booleans())  # Part of a batch comes once more.
        left[name] = left[name][count - again :] if count > 1 else left[name][count:]
        if data.draw(st.booleans()):
            doctors.sweep()
    doctors.mark(1000)
    for _ in range(4):
        doctors.sweep()
    wanted = expected(source_after(events))
    found = dict(doctors.rows("SELECT name, bio FROM app.doctors"))
    assert found.keys() == wanted.keys()
    assert {name: bio for name, bio in found.items() if bio not in wanted[name]} == {}
