"""Commands that look and change nothing: check, plan, status, schema."""

import enum
import json
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Folder, Output
from ops.cli.output import Format, print_json, print_table, say

if TYPE_CHECKING:
    from schemas.migration import Migration

app = typer.Typer()
COUNT_MS = 1_000  # A million rows or so.


@app.command()
def check(folder: Folder, output: Output = Format.TABLE) -> None:
    """Compare the migration with source, target, Kafka and registry, and say what to correct.

    Errors keep the pipeline from starting, warnings do not. The exit code is that of the first error's side.

    Example: understudy check examples/clinic
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.preflight import findings as found  # noqa: PLC0415
    from ops.preflight.check import check as examine  # noqa: PLC0415

    migration = wiring.read(folder)
    findings = examine(migration, wiring.endpoints(migration))
    if output is Format.JSON:
        print_json(
            {
                "pipeline": migration.pipeline.pipeline,
                "findings": [finding.as_json() for finding in findings],
            }
        )
    else:
        for line in found.lines(findings):
            typer.echo(line)
    say(found.summary(findings))
    if not found.exit_code(findings) and output is Format.TABLE:
        say(f"next: understudy run {folder}")
    raise typer.Exit(found.exit_code(findings))


@app.command()
def plan(
    folder: Folder,
    *,
    capacity: Annotated[
        bool,
        typer.Option(
            "--capacity",
            help="Estimate Kafka, disk, hours and WAL instead; reads some rows of each table.",
        ),
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show in which order entities are applied, from where to where, and whom each waits for; asks no server.

    With --capacity it asks source and target, for about ten seconds, and writes nothing.

    Example: understudy plan examples/clinic
    """
    from ops import sequence, wiring  # noqa: PLC0415 - see check

    migration = wiring.read(folder)
    if capacity:
        _show_capacity(migration, output)
        return
    steps = sequence.steps(migration)
    if output is Format.JSON:
        print_json({"entities": [step.as_json() for step in steps]})
        return
    print_table(sequence.HEADINGS, [step.cells() for step in steps], sequence.SPARE)


def _show_capacity(migration: "Migration", output: Format) -> None:
    from ops import wiring  # noqa: PLC0415 - see check
    from ops.capacity import text  # noqa: PLC0415
    from ops.capacity.estimate import estimate  # noqa: PLC0415

    found = estimate(migration, wiring.endpoints(migration))
    if output is Format.JSON:
        print_json(found.as_json())
        return
    print_table(text.HEADINGS, text.rows(found), text.SPARE)
    for line in text.lines(found):
        typer.echo(line)


@app.command()
def status(
    folder: Folder,
    *,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", "-w", help="Look again every two seconds; off a terminal, a line each time."
        ),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count the rows of each entity, however long it takes.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show where source, Kafka and every entity stand, how they move, and what to do next.

    A part moves OK, WARN (falls behind), STALL (something waits, and it does not move) or STOP (nobody is at it).

    Example: understudy status examples/clinic --watch
    """
    from ops import wiring  # noqa: PLC0415 - see check
    from ops.cli.watching import show, watch_until_stopped  # noqa: PLC0415
    from ops.watch.watcher import watching  # noqa: PLC0415

    migration = wiring.read(folder)
    with watching(migration, wiring.endpoints(migration)) as watcher:
        count_ms = 0 if exact else COUNT_MS
        if watch:
            watch_until_stopped(watcher, output, count_ms)
        else:
            seen = watcher.look_once(count_ms=count_ms)
            show(seen, output)
            raise typer.Exit(seen.exit_code)


class Document(enum.StrEnum):
    """What a schema is printed of."""

    PIPELINE = "pipeline"
    ENTITY = "entity"


@app.command()
def schema(
    document: Annotated[
        Document, typer.Argument(help="pipeline: understudy.toml; entity: entities/*.toml.")
    ] = Document.PIPELINE,
) -> None:
    """Print the JSON Schema of understudy.toml, or of an entity file, for editors.

    Example: understudy schema entity > entity.schema.json
    """
    from schemas.entity import Entity  # noqa: PLC0415 - see check
    from schemas.pipeline import Pipeline  # noqa: PLC0415

    model = Entity if document is Document.ENTITY else Pipeline
    typer.echo(json.dumps(model.model_json_schema(by_alias=True), indent=2))
