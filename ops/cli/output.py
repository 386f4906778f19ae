"""What the commands share of speaking: data on stdout, everything else on stderr."""

import enum
import json
import sys
from collections.abc import Sequence
from typing import Any

import structlog
import typer
from rich.console import Console

from ops.cli.tables import table
from ops.logs import is_json, is_plain
from schemas.errors import Disposition, UnderstudyError, UsageError
from schemas.session import redacted

WIDTH = 240  # Of a table in a file or pipe: wide enough not to break a line.
EXIT_RETRYABLE = 75  # EX_TEMPFAIL of sysexits.h.

log = structlog.get_logger(__name__)


class Format(enum.StrEnum):
    """How data is written to stdout."""

    TABLE = "table"
    JSON = "json"


def print_json(value: object) -> None:
    """Write one JSON object on one line."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], spare: Sequence[str] = ()
) -> None:
    """Write a table for people; a narrow terminal leaves out what is spare, the least important first, and says so."""
    out = console()
    shown, left_out = table(headings, rows, out.width, spare)
    out.print(shown)
    if left_out:
        say(f"no room here for: {', '.join(left_out)} (a wider terminal, or --output json)")


def console() -> Console:
    """Stdout; Rich itself obeys NO_COLOR and leaves out colours where it is no terminal."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def say(text: str) -> None:
    """Write a line to stderr, for the person who waits; an event where all is to be events."""
    if is_json():
        log.info(text)
    else:
        typer.secho(text, err=True)


def report(error: UnderstudyError) -> int:
    """Show an error in one line, each further one that it notes in another, and its remedy.

    Returns:
        The exit code.
    """
    for text in (str(error), *getattr(error, "__notes__", ())):
        if is_json():
            log.error(redacted(text), remedy=error.advice)
        else:
            say(f"{mark('error:')} {redacted(text)}")
    if error.advice and not is_json():
        say(f"  {error.advice}")
    return EXIT_RETRYABLE if error.disposition is Disposition.RETRY else error.exit_code


def mark(word: str) -> str:
    """A word in red where stderr takes colours."""
    return word if is_plain() else typer.style(word, fg=typer.colors.RED, bold=True)


def require_name(pipeline: str, confirm: str | None, what: str) -> None:
    """Let a command that takes something away go on only when the pipeline's name was given.

    Args:
        pipeline: Its name.
        confirm: What was given; None: it is asked for on a terminal.
        what: For what it is typed: `to remove all this`.

    Raises:
        UsageError: It was not.
    """
    if confirm is None and sys.stdin.isatty():
        confirm = typer.prompt(f"Type the pipeline's name {what}", err=True)
    if confirm != pipeline:
        raise UsageError(
            "the pipeline's name was not confirmed", remedy=f"Add --confirm {pipeline}."
        )
