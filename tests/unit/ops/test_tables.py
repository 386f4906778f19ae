import io
import re

import pytest
from rich.console import Console

from ops.cli import output
from ops.cli.letters import _DEAD_LETTER, _PARKED, _SPARE
from ops.cli.tables import table
from ops.proof import account_text

UUID = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
WHEN = "2026-05-01 18:00:00"


def drawn(
    width: int, headings: tuple[str, ...], row: tuple[object, ...], spare: tuple[str, ...]
) -> tuple[str, list[str]]:
    shown, left_out = table(headings, [row], width, spare)
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as caught:
        console.print(shown)
    return caught.get(), left_out


TABLES = {
    "account": (
        account_text.HEADINGS,
        ("appointment_participants", "public.appointment_participants", 123_567, 123_500, 12, 67, 3, 44, 5, 0),
        account_text.SPARE,
        ["legacy table", "repaired", "merged"],
    ),
    "dead letters": (
        tuple(_DEAD_LETTER.values()),
        ("appointments", "4711", "the target refused the row: CheckViolation", "appointments_status_check",
         "23514", 3, WHEN),
        _SPARE,
        ["tries", "sqlstate"],
    ),
    "parked": (
        tuple(_PARKED.values()),
        ("appointments", "4711", "parent excluded", "patients", UUID, 12, WHEN),
        _SPARE,
        ["tries", "its UUID"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_at_80_columns_what_is_spare_goes_and_what_is_left_is_whole(name: str) -> None:
    headings, row, spare, expected = TABLES[name]
    said, left_out = drawn(80, headings, row, spare)
    assert left_out == expected
    assert max(map(len, said.splitlines())) <= 80
    for heading, cell in zip(headings, row, strict=True):
        for word in str(cell or "").split() if heading not in left_out else ():
            assert re.search(rf"(^|\s){re.escape(word)}(\s|$)", said), word


def test_where_there_is_room_nothing_is_left_out() -> None:
    headings, row, spare, _ = TABLES["account"]
    said, left_out = drawn(200, headings, row, spare)
    assert left_out == []
    assert len(said.splitlines()) == 2


def test_a_column_without_values_goes_first_and_is_not_missed() -> None:
    said, left_out = drawn(12, ("entity", "merged", "rows"), ("orders", None, 7), ("rows",))
    assert "merged" not in said
    assert left_out == []


def test_what_is_longer_than_any_word_is_broken_rather_than_lost() -> None:
    said, _ = drawn(60, ("key", "reason"), ("x" * 90, "refused"), ())
    assert said.count("x") == 90
    assert "refused" in said


def test_what_is_left_out_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "WIDTH", 12)
    output.print_table(("entity", "rows", "tries"), [("orders", 7, 3)], ("tries",))
    shown = capsys.readouterr()
    assert "tries" not in shown.out
    assert "no room here for: tries" in shown.err
