"""Commands of the evening: cutover plan, begin, status, finish, abort."""

import enum
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Folder, Output
from ops.cli.output import Format, print_json, print_table, require_name, say
from schemas.errors import UsageError

if TYPE_CHECKING:
    from ops.cutover.gate import Gate
    from ops.cutover.order import Order
    from ops.cutover.report import Report

app = typer.Typer(
    no_args_is_help=True,
    help="Switch from the legacy database to the new one; every step is stored, and may be done again.",
)


class ReportFormat(enum.StrEnum):
    """How a report is written to stdout."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="NAME=COUNT|NAME<=COUNT",
        help="Sign off a gate, for instance dead-letters:tasks=6358; of rows that wait also at most so many: "
        "'parked:orders<=20'. May be given several times.",
    ),
]
Because = Annotated[
    str | None, typer.Option("--because", metavar="TEXT", help="Why it is signed off.")
]
MaxLag = Annotated[
    float, typer.Option(help="How far behind the pipeline may be, in seconds.", min=0)
]
Timeout = Annotated[
    float,
    typer.Option(help="How long the write pause may be; then the fence opens again.", min=1),
]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="NAME", help="The pipeline's name, in place of typing it."),
]
# What the name is typed for.
CLOSING = "to close its tables to writes"
MAX_LAG_S = 10.0
TIMEOUT_S = 30.0


@app.command()
def plan(
    folder: Folder,
    accept: Accept = None,
    max_lag: MaxLag = MAX_LAG_S,
    output: Output = Format.TABLE,
) -> None:
    """Show the steps of the cutover on these servers, and the gates as they stand. Nothing is changed.

    Example: understudy cutover plan examples/clinic
    """
    from ops.cutover import cutover, planning  # noqa: PLC0415 - the libraries take a second that --help need not pay

    order = order_of(folder, accept, max_lag=max_lag)
    gates = cutover.look(order)
    steps = planning.steps(order.migration)
    if output is Format.JSON:
        print_json(
            {
                "steps": [{"step": step, "does": does} for step, does in steps],
                "gates": [gate.as_json() for gate in gates],
                "next_steps": planning.next_steps(order.migration.folder, gates),
            }
        )
        return
    print_table(("step", "does"), steps)
    typer.echo()
    print_gates(gates)
    _print_findings(gates)
    typer.echo(f"next: {planning.next_steps(order.migration.folder, gates)[0]}")


@app.command()
def begin(  # noqa: PLR0913, PLR0917 - each is an option of the command
    folder: Folder,
    confirm: Confirm = None,
    accept: Accept = None,
    because: Because = None,
    max_lag: MaxLag = MAX_LAG_S,
    timeout: Timeout = TIMEOUT_S,
    output: Output = Format.TABLE,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look at the gates.")] = False,
) -> None:
    """Close the fence around the legacy tables, drain, prove, and switch to the target.

    The pipeline's name has to be typed. A gate that is not met refuses with 7, and nothing is changed; whatever goes
    wrong later, before the switch, opens the fence again. A begin that was killed goes on with begin.

    Example: understudy cutover begin examples/clinic --confirm clinic
    """
    from ops.cutover import cutover, gate  # noqa: PLC0415 - see plan

    order = order_of(folder, accept, because, max_lag=max_lag, timeout=timeout)
    if accept and because is None:
        raise UsageError("what is signed off needs a reason", remedy="Add --because TEXT.")
    if dry_run:
        gates = cutover.look(order)
        print_gates(gates)
        gate.require_met(gates)
        return
    require_name(order.migration.pipeline.pipeline, confirm, CLOSING)
    # So that the fence opens again, as with Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupted)
    cutover.begin(order)
    report = _report(folder)
    say(f"write pause: {report.pause_s or 0.0:.2f} s")
    _print_report(report, ReportFormat(output.value))


@app.command()
def status(
    folder: Folder,
    output: Annotated[
        ReportFormat,
        typer.Option("--output", "-o", help="html: a page of its own, for who audits."),
    ] = ReportFormat.TABLE,
) -> None:
    """Show how far the cutover is, every step with its evidence, and what to do next.

    Example: understudy cutover status examples/clinic --output html > cutover.html
    """
    _print_report(_report(folder), output)


@app.command()
def finish(folder: Folder) -> None:
    """End a cutover that is switched; the legacy tables stay closed to writes.

    Example: understudy cutover finish examples/clinic
    """
    from ops.cutover import cutover  # noqa: PLC0415 - see plan

    cutover.finish(order_of(folder))
    say("finished; what remains of the pipeline, with all mappings, goes with understudy drop")


@app.command()
def abort(folder: Folder) -> None:
    """Open the fence again and end the cutover; only before it is switched.

    Example: understudy cutover abort examples/clinic
    """
    from ops.cutover import cutover  # noqa: PLC0415 - see plan

    cutover.abort(order_of(folder))


def order_of(
    folder: Path,
    accept: list[str] | None = None,
    because: str | None = None,
    *,
    max_lag: float = MAX_LAG_S,
    timeout: float = TIMEOUT_S,
) -> "Order":
    """What the options of a command say.

    Raises:
        UsageError: `--accept` is spelled otherwise.
    """
    from ops import wiring  # noqa: PLC0415 - see plan
    from ops.cutover import gate  # noqa: PLC0415
    from ops.cutover.order import Order  # noqa: PLC0415

    migration = wiring.read(folder)
    return Order(
        migration=migration,
        at=wiring.endpoints(migration),
        say=say,
        timeout_s=timeout,
        max_lag_s=max_lag,
        accepted=gate.parse(accept or (), migration.entities),
        because=because,
    )


def _report(folder: Path) -> "Report":
    from ops import databases, wiring  # noqa: PLC0415 - see plan
    from ops.cutover import report  # noqa: PLC0415

    migration = wiring.read(folder)
    with databases.target(wiring.endpoints(migration).target_dsn, "cutover status") as target:
        return report.read(target, migration)


def print_gates(gates: "list[Gate]") -> None:
    """Print gates as a table."""
    rows = [(gate.name, "met" if gate.met else "NOT MET", gate.says) for gate in gates]
    print_table(("gate", "", "is"), rows)


def _print_findings(gates: "list[Gate]") -> None:
    """Print what gates have found in entity files, each thing with its remedy."""
    for gate in gates:
        listed = gate.evidence.get("findings")
        for one in listed if isinstance(listed, list) else ():
            line = "" if one["line"] is None else f":{one['line']}"
            typer.echo(f"{one['severity']}: {one['file']}{line} {one['key']}: {one['what']}")
            typer.echo(f"  {one['remedy']}")


def _print_report(report: "Report", output: ReportFormat) -> None:
    from ops.cutover import report_page  # noqa: PLC0415 - see plan

    if output is ReportFormat.JSON:
        print_json(report.as_json())
    elif output is ReportFormat.HTML:
        typer.echo(report_page.page(report))
    else:
        typer.echo(f"cutover of {report.pipeline}: {report.state}")
        rows = [
            (
                step.at.isoformat(timespec="milliseconds"),
                step.step,
                _seconds(step.seconds),
                step.who,
            )
            for step in report.steps
        ]
        print_table(("at", "step", "seconds", "who"), rows)
        first, *others = report.next_steps
        typer.echo(f"next: {first}")
        for step in others:
            typer.echo(f"  or: {step}")


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _interrupted(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
