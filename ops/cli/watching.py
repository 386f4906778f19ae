"""How a status is shown: once, on a screen that follows, or as lines in a log."""

import sys
import time
from contextlib import nullcontext

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from ops.cli.output import Format, console, print_json, print_table
from ops.cli.running import stop_event
from ops.cli.tables import fits, table
from ops.watch import text
from ops.watch.status import Status
from ops.watch.watcher import Watcher

INTERVAL_S = 2.0
# Of a terminal, however low it is: rows of the table, and notes, of which the last are the next commands.
ROWS_MIN, NOTES_MIN = 3, 2


def show(status: Status, output: Format) -> None:
    """Print one look: a JSON line, or all there is to say."""
    if output is Format.JSON:
        print_json(status.as_json())
        return
    for line in text.answers(status):
        typer.echo(line)
    rows = list(text.rows(status.entities))
    if fits(text.HEADINGS, rows, console().width):
        print_table(text.HEADINGS, rows)
    else:
        print_table(text.SHORT_HEADINGS, list(text.short_rows(status.entities)), text.SPARE)
        for reason in text.reasons(status):
            typer.echo(reason)
    for note in text.notes(status):
        typer.echo(note)


def watch_until_stopped(watcher: Watcher, output: Format, count_ms: int) -> None:
    """Look again and again, until SIGINT or SIGTERM: a screen on a terminal, elsewhere a line for each look."""
    stop, began = stop_event(), time.monotonic()
    on_screen = output is Format.TABLE and sys.stdout.isatty()
    with Live(console=console(), auto_refresh=False) if on_screen else nullcontext() as live:
        while True:
            status = watcher.look(count_ms=count_ms)
            if live is not None:
                live.update(screen(status, *live.console.size), refresh=True)
            elif output is Format.JSON:
                print_json(status.as_json())
            else:
                typer.echo(text.line(status, time.monotonic() - began))
            if stop.wait(INTERVAL_S):
                return


def screen(status: Status, width: int, height: int) -> Group:
    """A status as lines and a table that fit a terminal; of many entities those that need somebody."""
    head = list(text.answers(status))
    tail = [*text.reasons(status), *text.notes(status)][-max(NOTES_MIN, height // 4) :]
    taken = sum(-(-len(line) // width) for line in (*head, *tail))
    entities, room = list(status.entities), max(ROWS_MIN, height - taken - 2)  # Heading, cursor.
    if len(entities) > room:
        room = max(ROWS_MIN, room - 1)
        tail.insert(0, f"{len(entities) - room} more entities are not shown: understudy status")
        entities = text.worst_first(entities)[:room]
    rows = list(text.short_rows(entities))
    shown, _ = table(text.SHORT_HEADINGS, rows, width, text.SPARE, folds=False)
    return Group(*map(_line, head), shown, *map(_line, tail))


def _line(words: str) -> Text:
    return Text(words, overflow="fold")
