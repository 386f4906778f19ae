"""The report of a cutover as one page of HTML that stands by itself: an auditor can keep it. Pure."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ops.cutover.journal import Step
from ops.cutover.report import Report
from ops.cutover.states import State

_PAGE = Template(files("ops.cutover").joinpath("report.html").read_text(encoding="utf-8"))
_DONE = (State.SWITCHED, State.FINISHED)


def page(report: Report) -> str:
    """The whole page."""
    is_done = report.cutover is not None and report.cutover.state in _DONE
    return _PAGE.substitute(
        pipeline=escape(report.pipeline),
        verdict=escape(_verdict(report)),
        **{"class": "done" if is_done else "open"},
        facts="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in _facts(report)),
        gates=_gates(report.steps),
        steps="\n".join(map(_step, report.steps)) or "<p>None yet.</p>",
    )


def _verdict(report: Report) -> str:
    if report.pause_s is None:
        return f"State: {report.state}."
    return f"State: {report.state}. Nobody could write for {report.pause_s:.2f} s."


def _facts(report: Report) -> Iterable[tuple[str, str]]:
    cutover = report.cutover
    if cutover is None:
        return
    yield "Begun", f"{cutover.began_at.isoformat(timespec='seconds')} by {cutover.who}"
    if cutover.ended_at:
        yield "Ended", cutover.ended_at.isoformat(timespec="seconds")
    for name, count in cutover.accepted.items():
        yield "Signed off", f"{name}: {count}, because: {cutover.because}"
    gates = _last_gates(report.steps)
    for name, text in (gates.evidence.get("versions", {}) if gates else {}).items():
        yield f"Version, {name}", str(text)
    for step in report.next_steps:
        yield "Next", step


def _last_gates(steps: Sequence[Step]) -> Step | None:
    return next((step for step in reversed(steps) if step.step == "gates"), None)


def _gates(steps: Sequence[Step]) -> str:
    step = _last_gates(steps)
    if step is None:
        return "<p>Not all were met yet.</p>"
    rows = "\n".join(map(_gate, step.evidence["gates"]))
    head = "".join(f'<th scope="col">{word}</th>' for word in ("gate", "", "is", "evidence"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _gate(gate: dict[str, Any]) -> str:
    word = "signed off" if gate["accepted"] else "met"
    cells = (gate["name"], word, gate["says"], json.dumps(gate["evidence"], ensure_ascii=False))
    return f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"


def _step(step: Step) -> str:
    took = "" if step.seconds is None else f", {step.seconds:.2f} s"
    evidence = {name: value for name, value in step.evidence.items() if name != "gates"}
    text = json.dumps(evidence, indent=2, ensure_ascii=False)
    return (
        f"<section><h3>{escape(step.step)}</h3>"
        f"<p>{escape(step.at.isoformat(timespec='milliseconds'))}{took}, {escape(step.who)}</p>"
        f"<pre>{escape(text)}</pre></section>"
    )
