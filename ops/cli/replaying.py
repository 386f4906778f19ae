"""The commands that read topics again: replay, swap."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.amounts import how_many
from ops.cli.arguments import Entities, Folder, Timeout
from ops.cli.output import print_table, say
from ops.cli.running import stop_event
from schemas.errors import UsageError

if TYPE_CHECKING:
    from ops.replay.over import Start
    from ops.replay.patience import Patience
    from schemas.migration import Migration

app = typer.Typer()
Accept = Annotated[
    int | None,
    typer.Option(help="So many rows of the live target may stay behind: as many as are listed."),
]


@app.command()
def replay(  # noqa: PLR0913 - a parameter an option
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
    into: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA", help="Rebuild them in a schema of their own, for understudy swap."
        ),
    ] = None,
    accept: Accept = None,
    timeout: Timeout = 60.0,
    *,
    every: Annotated[bool, typer.Option("--all", help="All entities.")] = False,
    drop: Annotated[
        bool,
        typer.Option("--drop", help="Drop what --into has made, or the old tables of its swap."),
    ] = False,
) -> None:
    """Have entities read their topics again, over the live target: what it has is skipped, what it lost goes in.

    Checkpoints go back in one transaction, and the workers begin again there. No row of the target is written that is
    as new as its event, so a row that somebody else wrote stays: verify --repair is for those.

    With --into the rows are made anew, beside the live tables: same UUIDs, by the rules as the folder has them now. The
    command ends when the new tables are in step; killed, it goes on where it was when it is repeated.

    Example: understudy replay examples/clinic --entity orders --from 2026-05-01T18:00
    """
    from ops import wiring  # noqa: PLC0415
    from ops.replay import over  # noqa: PLC0415 - the libraries take a second that --help need not pay

    migration = wiring.read(folder)
    if drop and into:
        _drop(migration, into)
        return
    if every == bool(entity) or drop:
        raise UsageError(
            "say which entities, or all", remedy="--entity E, or --all; --into SCHEMA --drop."
        )
    names = wiring.chosen(migration, tuple(entity or ()))
    if into:
        if start != "beginning":
            raise UsageError("a rebuild begins at the beginning", remedy="Leave --from out.")
        _rebuild(migration, names, into, _patience(accept, timeout))
        return
    again = over.replay(migration, wiring.endpoints(migration), names, _start(start))
    print_table(
        ("topic", "partition", "records"),
        [[topic, partition, count] for (topic, partition), count in again.items()],
    )
    say(
        f"{how_many(sum(again.values()), 'record is', 'records are')} read again; understudy status shows how far it is"
    )


@app.command()
def swap(folder: Folder, accept: Accept = None, timeout: Timeout = 60.0) -> None:
    """Have the tables that replay --into has filled take the places of the live ones, in one transaction.

    First they are verified, and rows of the live tables that would stay behind are listed. Foreign keys, policies,
    grants, triggers and views come along; workers begin again by themselves. The old tables stay in SCHEMA_old until
    replay --into SCHEMA --drop. Killed, it has happened or not: repeat it.

    Example: understudy swap examples/clinic
    """
    patience = _patience(accept, timeout)
    from ops import wiring  # noqa: PLC0415 - see replay
    from ops.replay import swap as swapping  # noqa: PLC0415

    migration = wiring.read(folder)
    done = swapping.swap(migration, wiring.endpoints(migration), say, patience)
    say(
        f"live: {', '.join(done.entities)}; the old tables are in {done.schema}_old until "
        f"understudy replay {folder} --into {done.schema} --drop"
    )


def _patience(accepted: int | None, timeout_s: float) -> "Patience":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # As consume has it.
    from ops.replay.patience import Patience  # noqa: PLC0415 - see replay

    return Patience(accepted=accepted, timeout_s=timeout_s, stop=stop_event())


def _rebuild(migration: "Migration", names: Sequence[str], schema: str, how: "Patience") -> None:
    from ops import wiring  # noqa: PLC0415 - see replay
    from ops.replay import rebuild  # noqa: PLC0415

    is_there = rebuild.into(migration, wiring.endpoints(migration), names, schema, say, how)
    told = (
        f"in step: understudy swap {migration.folder}"
        if is_there
        else "stopped; repeat it to go on"
    )
    say(told)


def _drop(migration: "Migration", schema: str) -> None:
    from ops import wiring  # noqa: PLC0415 - see replay
    from ops.replay import dropping  # noqa: PLC0415

    for table in dropping.drop(wiring.endpoints(migration), schema).labels:
        say(f"dropped {table}")


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
