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
from schemas.errors import InvariantError, UnderstudyError

TRACE_FRAMES = 8  # Of the innermost: the outer ones are the command line's library.
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Moves a live PostgreSQL database into a new schema with UUID keys, without downtime.",
    epilog="Data goes to stdout, the rest to stderr. Exit codes: 0 done, 1 a bug, 2 command line, 3 configuration, "
    "4 source, 5 Kafka or registry, 6 target, 7 not ready, 8 source and target differ, 9 in use, 10 embedded stack, "
    "11 a record cannot be applied, 75 try again, 128 + n ended by signal n.",
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
        app(prog_name="understudy")
        logs.configure()
    except UnderstudyError as error:
        sys.exit(output.report(error))
    except Exception as error:  # noqa: BLE001 - the last one who can say it, and a message may hold a row
        traceback.print_tb(error.__traceback__, limit=-TRACE_FRAMES, file=sys.stderr)
        sys.exit(output.report(InvariantError(f"unexpected {type(error).__name__}")))
