"""The command that verifies."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from ops.cli.arguments import Entities, Folder, Output, Timeout
from ops.cli.output import Format, print_json, print_table, say
from schemas.errors import UsageError

app = typer.Typer()


@app.command()
def verify(  # noqa: PLR0913 - a parameter an option
    folder: Folder,
    entity: Entities = None,
    *,
    sample: Annotated[
        int, typer.Option(min=0, help="Only about so many rows of each entity, at random; 0: all.")
    ] = 0,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="last|TIME",
            help="Only what has changed since the last one, or since 2026-05-01T18:00 (UTC).",
        ),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show the values that differ; they are not kept.")
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0, help="At most so many rows a second; 0: as fast as it goes.")
    ] = 0.0,
    output: Output = Format.TABLE,
    timeout: Timeout = 60.0,
) -> None:
    """Compare every row of the target with what the rules make of its legacy row, at one exact point.

    The pipeline goes on: its workers are held for a second or two. A row that differs is named with the reason: it was
    written by somebody else, or by older rules, is missing, or is too much. The result is kept; status tells when the
    target has moved on since. Exit code 8 if a row differs, or the account is not clean.

    Example: understudy verify examples/clinic --entity payments --values
    """
    from ops import wiring  # noqa: PLC0415 - see account
    from ops.proof import verify as verifying  # noqa: PLC0415
    from ops.proof import verify_text  # noqa: PLC0415
    from schemas.errors import MismatchError  # noqa: PLC0415

    if sample and since:
        raise UsageError("--sample and --since exclude each other", remedy="Write one.")
    migration = wiring.read(folder)
    names = wiring.named(migration, tuple(entity or ()))
    options = verifying.Options(since=_since(since), sample=sample, values=values, rows_per_s=rate)
    found = verifying.take(
        migration, wiring.endpoints(migration), names, say, timeout_s=timeout, options=options
    )
    if output is Format.JSON:
        print_json(found.as_json())
    else:
        for headings, rows in verify_text.tables(found):
            print_table(headings, rows)
            typer.echo()
        typer.echo(found.verdict())
    if not found.is_clean:
        raise MismatchError(
            "the target is not what the rules make of the source",
            differing=found.differing,
            remedy="understudy trace shows the life of a row; --values shows what differs.",
        )


def _since(text: str | None) -> datetime | Literal["last"] | None:
    if text is None or text == "last":
        return "last" if text else None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text} is no time", remedy="Write last, or a time like 2026-05-01T18:00 (UTC)."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
