"""The command that brings entities into a pipeline that runs: add."""

from typing import Annotated

import typer

from ops.cli.arguments import Folder, Timeout
from ops.cli.output import say

app = typer.Typer()


@app.command()
def add(
    folder: Folder,
    entity: Annotated[
        list[str],
        typer.Option(
            "--entity", help="The new entity, whose file is there; may be given several times."
        ),
    ],
    *,
    timeout: Timeout = 60.0,
) -> None:
    """Bring a new entity file into a pipeline that runs, without stopping it.

    The folder is checked first. Then capture and workers begin again, one after the other, each within seconds: the new
    table is published, read at a point of its own, and joins the tail; no other table is read again. On other machines
    the file has to be there before. A run that is stopped and started again does the same.

    Example: understudy add examples/clinic --entity orders
    """
    from ops import addition, wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay

    migration = wiring.read(folder)
    names = wiring.named(migration, tuple(entity))
    addition.add(migration, wiring.endpoints(migration), names, timeout)
    say(f"added: {', '.join(names)}; understudy status shows its snapshot")
