"""The command understudy."""

import sys
import traceback
from importlib.metadata import version as installed_version

import typer

from ops import logs
from ops.cli import (
    adding,
    cutover,
    documenting,
    guide,
    identifying,
    letters,
    looking,
    measuring,
    mending,
    output,
    proving,
    replaying,
    resyncing,
    reverse,
    rollback,
    running,
    serving,
    stack,
    starting,
    verifying,
)
from ops.exits import MEANS
from schemas.errors import InvariantError, UnderstudyError

TRACE_FRAMES = 8  # Of the innermost: the outer ones are the command line's library.
app = typer.Typer(
    cls=guide.Guide,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Moves a live PostgreSQL database into a new schema with UUID keys, without downtime.",
    epilog="Data goes to stdout, the rest to stderr. Exit codes: "
    + ", ".join(f"{code} {means}" for code, means in MEANS.items())
    + ", 128 + n ended by signal n.",
)
for group in (
    starting.app,
    running.app,
    reverse.app,
    rollback.app,
    looking.app,
    serving.app,
    documenting.app,
    identifying.app,
    proving.app,
    verifying.app,
    replaying.app,
    adding.app,
    resyncing.app,
    measuring.app,
    mending.app,
):
    app.add_typer(group)
app.add_typer(letters.dead_letters, name="dead-letters")
app.add_typer(letters.parked, name="parked")
app.add_typer(proving.trace, name="trace")
app.add_typer(cutover.app, name="cutover")
app.add_typer(stack.app, name="stack")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("understudy"))


def main() -> None:
    """Run a command; an error of ours is one line, its remedy and its exit code, never a traceback."""
    try:
        logs.configure()
        app(prog_name="understudy")
    except UnderstudyError as error:
        sys.exit(output.report(error))
    except Exception as error:  # noqa: BLE001 - the last one who can say it, and a message may hold a row
        traceback.print_tb(error.__traceback__, limit=-TRACE_FRAMES, file=sys.stderr)
        sys.exit(output.report(InvariantError(f"unexpected {type(error).__name__}")))
