"""The command that has tables read again: resync."""

from typing import Annotated

import typer

from ops.cli.arguments import Folder, Timeout
from ops.cli.output import print_table, say
from schemas.errors import MismatchError

app = typer.Typer()
LISTED_MAX = 20


@app.command()
def resync(
    folder: Folder,
    entity: Annotated[
        list[str],
        typer.Option("--entity", help="Read the table of this entity; may be given several times."),
    ],
    *,
    timeout: Timeout = 60.0,
) -> None:
    """Read legacy tables again from beginning to end, while the pipeline goes on, and put the target right.

    For tables of which changes did not come: a column added with a default, a partition attached or detached, rows that
    somebody else wrote or deleted on the target. Each row goes through the rules once more; what the legacy table no
    longer holds is deleted. All entities that read the table take part. It survives kills and restarts; without a
    capture, the next one does it. Exit code 8 if the target has rows that no legacy row was made into: they are named.

    Example: understudy resync examples/clinic --entity orders
    """
    from ops import resync as resyncs  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops import wiring  # noqa: PLC0415

    migration = wiring.read(folder)
    at = wiring.endpoints(migration)
    names = wiring.chosen(migration, tuple(entity))
    if not resyncs.ask(migration, at, names):
        say("asked for; no capture runs, so the next one does it: understudy run")
        return
    outcomes = resyncs.await_end(migration, at, names, timeout)
    rows = [[one.entity, one.gone, len(one.strangers)] for one in outcomes]
    print_table(("entity", "gone at the source", "strangers"), rows)
    strangers = [row for one in outcomes for row in one.strangers]
    if strangers:
        raise MismatchError(
            "the target has rows that no legacy row was made into",
            rows=", ".join(strangers[:LISTED_MAX]),
            remedy="Delete them on the target, or leave them if they are meant to be there.",
        )
