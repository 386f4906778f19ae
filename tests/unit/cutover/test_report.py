"""The report of a cutover: the pause, the next steps, and a page on which nothing is markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.cli.cutover import ReportFormat, _print_findings, _print_report
from ops.cutover import report_page
from ops.cutover.gate import Gate
from ops.cutover.journal import Cutover, Step
from ops.cutover.opening import OPENED, TAKES
from ops.cutover.report import Report
from ops.cutover.states import State

START = datetime(2026, 5, 1, 22, tzinfo=UTC)


def step(name: str, second: float, **evidence: object) -> Step:
    at = START + timedelta(seconds=second)
    return Step(step=name, at=at, seconds=None, who="app", evidence=evidence)


def report(state: State, *steps: Step) -> Report:
    cutover = Cutover(
        id=1, state=state, who="<ada>", began_at=START, ended_at=None, accepted={}, because=None
    )
    return Report(pipeline="shop", folder=Path("shop"), cutover=cutover, steps=steps)


def test_the_write_pause_is_from_the_last_closing_of_the_fence_to_the_switch() -> None:
    leaked = [step(TAKES, 0), step("fenced", 1), step(OPENED, 2)]
    went_on = [step(TAKES, 10), step("fenced", 11), step(TAKES, 12), step("switched", 14.5)]
    assert report(State.SWITCHED, *leaked, *went_on).pause_s == pytest.approx(4.5)
    assert report(State.PREPARED, *leaked).pause_s is None


def test_every_state_says_what_to_do_next() -> None:
    for state in State:
        assert all(line.startswith("understudy ") for line in report(state).next_steps)
    assert "closed to writes" in report(State.FENCED).next_steps[0]
    before = replace(report(State.PLANNED), cutover=None)
    assert before.next_steps == ["understudy cutover plan shop"]


def test_of_several_ways_on_one_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    _print_report(report(State.SWITCHED), ReportFormat.TABLE)
    steps = capsys.readouterr().out.splitlines()[-3:]
    assert [line.partition(": ")[0] for line in steps] == ["next", "  or", "  or"]


def test_a_finding_without_a_line_names_its_file_alone(capsys: pytest.CaptureFixture[str]) -> None:
    finding = {"severity": "error", "file": "shop/orders.toml", "line": None, "key": "columns"}
    listed = [finding | {"what": "lost", "remedy": "Mend it."}]
    _print_findings(
        [Gate(name="way-back-rules", met=False, says="", evidence={"findings": listed})]
    )
    assert capsys.readouterr().out == "error: shop/orders.toml columns: lost\n  Mend it.\n"


def test_nothing_that_a_server_or_a_person_said_is_markup_on_the_page() -> None:
    gate = {"name": "<g>", "accepted": False, "says": "<b>", "evidence": {"<e>": "<f>"}}
    found = report(
        State.SWITCHED,
        step("gates", 0, gates=[gate], versions={"x": "<v>"}),
        step("<s>", 1, y="<z>"),
    )
    page = report_page.page(found)
    assert page.startswith("<!doctype html>")
    for word in ("<g>", "<b>", "<e>", "<f>", "<v>", "<s>", "<z>", "<ada>"):
        assert word not in page
        assert word.replace("<", "&lt;").replace(">", "&gt;") in page
