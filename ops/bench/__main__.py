"""ops/bin/bench: the figures that README and the issues name, measured on a stack of its own."""

import shutil
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ops import logs
from ops.bench import memory, pipeline, replay, tail, verify
from ops.cli import output
from ops.cli.output import Format
from ops.stack import stack
from ops.stack.state import Endpoints, temporary_home
from schemas.errors import UnderstudyError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure on a stack of its own. Figures go to stdout, the rest to stderr.",
)
Rows = Annotated[int, typer.Option(help="Rows of the 14-column table.", min=1_000)]
Output = Annotated[Format, typer.Option("--output", help="table, or json: one object in a line.")]


@app.command("pipeline")
def pipeline_command(rows: Rows = 500_000, form: Output = Format.TABLE) -> None:
    """End to end against the floor, with and without originals."""
    _measure(lambda at: pipeline.measure(at, rows), form)


@app.command("tail")
def tail_command(form: Output = Format.TABLE) -> None:
    """A backlog of 300,000 updates, and the latency of single rows."""
    _measure(tail.measure, form)


@app.command("memory")
def memory_command(rows: Rows = 500_000, form: Output = Format.TABLE) -> None:
    """Resident memory as the table grows tenfold, and with 8 kB rows."""
    _measure(lambda at: memory.measure(at, rows), form)


@app.command("verify")
def verify_command(rows: Rows = 500_000, form: Output = Format.TABLE) -> None:
    """Every row of the target beside what the rules make of its legacy row."""
    _measure(lambda at: verify.measure(at, rows), form)


@app.command("replay")
def replay_command(rows: Rows = 500_000, form: Output = Format.TABLE) -> None:
    """A replay over the live target: every record is stale."""
    _measure(lambda at: replay.measure(at, rows), form)


def _measure(measurement: Callable[[Endpoints], dict[str, object]], form: Format) -> None:
    home = temporary_home("bench")
    output.say("starting the embedded stack")
    try:
        figures = measurement(stack.up(home))
    finally:
        stack.down(home)
        shutil.rmtree(home)
    if form is Format.JSON:
        output.print_json(figures)
    else:
        output.print_table(("figure", "value"), list(figures.items()))


if __name__ == "__main__":
    logs.configure()
    try:
        app(prog_name="ops/bin/bench")
    except UnderstudyError as error:
        sys.exit(output.report(error))
