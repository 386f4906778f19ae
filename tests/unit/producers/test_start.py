"""The start rules, case by case (hard cases 50, 58, 60; fault F11)."""

from typing import Any

import pytest

from producers.slot import Slot, System
from producers.start import Begin, Found, Resume, decide
from schemas.errors import SlotLostError, StartRefusedError
from schemas.positions import Intent, Position

NAME = "understudy_p_aaaaaaaa"
SYSTEM = System(identifier="7", timeline=1)
INTENT = Intent(suffix="aaaaaaaa", epoch=1)


def slot(confirmed: int = 100, status: str = "reserved") -> Slot:
    return Slot(
        name=NAME,
        active_pid=None,
        confirmed_lsn=confirmed,
        wal_status=status,
        safe_wal_bytes=None,
        retained_bytes=0,
    )


def position(lsn: int = 100, system: str = "7", timeline: int = 1) -> Position:
    return Position(
        epoch=1, lsn=lsn, consistent_point=50, system_identifier=system, timeline=timeline
    )


CASES: dict[str, tuple[Intent | None, Position | None, dict[str, Slot], Any]] = {
    "nothing is there": (None, None, {}, Begin()),
    "killed before the slot was created": (INTENT, None, {}, Begin()),
    "killed before the position was stored": (
        INTENT,
        None,
        {"aaaaaaaa": slot()},
        Begin(unused=NAME),
    ),
    "an ordinary restart": (INTENT, position(), {"aaaaaaaa": slot()}, Resume),
    "killed before the feedback": (INTENT, position(200), {"aaaaaaaa": slot()}, Resume),
    "the server crashed and its slot went back": (
        INTENT,
        position(100),
        {"aaaaaaaa": slot(60)},
        Resume,
    ),
    "WAL runs short": (INTENT, position(), {"aaaaaaaa": slot(status="unreserved")}, Resume),
    "a slot without positions": (None, None, {"aaaaaaaa": slot()}, StartRefusedError),
    "a slot of another suffix": (INTENT, position(), {"bbbbbbbb": slot()}, StartRefusedError),
    "the slot is missing": (INTENT, position(), {}, SlotLostError),
    "the slot was invalidated": (
        INTENT,
        position(),
        {"aaaaaaaa": slot(status="lost")},
        SlotLostError,
    ),
    "the slot is ahead": (INTENT, position(100), {"aaaaaaaa": slot(101)}, StartRefusedError),
    "another cluster": (INTENT, position(system="8"), {"aaaaaaaa": slot()}, StartRefusedError),
    "another timeline": (INTENT, position(timeline=2), {"aaaaaaaa": slot()}, StartRefusedError),
}


@pytest.mark.parametrize("case", CASES)
def test_how_a_capture_begins_when(case: str) -> None:
    intent, known, slots, expected = CASES[case]
    found = Found(intent=intent, position=known, slots=slots, system=SYSTEM)
    if isinstance(expected, Begin):
        assert decide(found) == expected
    elif expected is Resume:
        assert known is not None
        assert decide(found) == Resume(position=known, suffix=INTENT.suffix)
    else:
        with pytest.raises(expected) as refused:
            decide(found)
        assert refused.value.advice
