"""The command that reads topics again: replay."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Entities, Folder
from ops.cli.output import print_table, say
from schemas.errors import UsageError

if TYPE_CHECKING:
    from ops.replay.over import Start

app = typer.Typer()


@app.command()
def replay(
    folder: Folder,
    entity: Entities = None,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="beginning|TIME|OFFSET",
            help="Where: the beginning, 2026-05-01T18:00 (UTC), or an offset of each partition.",
        ),
    ] = "beginning",
    *,
    every: Annotated[bool, typer.Option("--all", help="All entities.")] = False,
) -> None:
    """Have entities read their topics again, over the live target: what it has is skipped, what it lost goes in.

    Checkpoints go back in one transaction, and the workers begin again there. No row of the target is written that is
    as new as its event, so a row that somebody else wrote stays: verify --repair is for those.

    Example: understudy replay examples/clinic --entity orders --from 2026-05-01T18:00
    """
    from ops import wiring  # noqa: PLC0415
    from ops.replay import over  # noqa: PLC0415 - the libraries take a second that --help need not pay

    if every == bool(entity):
        raise UsageError("say which entities, or all", remedy="--entity E, or --all.")
    migration = wiring.read(folder)
    names = wiring.chosen(migration, tuple(entity or ()))
    again = over.replay(migration, wiring.endpoints(migration), names, _start(start))
    print_table(
        ("topic", "partition", "records"),
        [[topic, partition, count] for (topic, partition), count in again.items()],
    )
    say(f"{sum(again.values()):,} records are read again; understudy status shows how far it is")


def _start(text: str) -> "Start":
    if text == "beginning":
        return "beginning"
    if text.isdecimal():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text} is no place to begin",
            remedy="Write beginning, an offset, or a time like 2026-05-01T18:00 (UTC).",
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
