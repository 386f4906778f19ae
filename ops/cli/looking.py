"""Commands that look and change nothing: check, plan, status, schema."""

import enum
import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Folder, Output
from ops.cli.output import Format, print_json, print_table, say

if TYPE_CHECKING:
    from ops.watch.status import Status

app = typer.Typer()
WATCH_INTERVAL_S = 2.0
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
    raise typer.Exit(found.exit_code(findings))


@app.command()
def plan(folder: Folder, output: Output = Format.TABLE) -> None:
    """Show in which order entities are applied, from where to where, and whom each waits for; asks no server.

    Example: understudy plan examples/clinic
    """
    from ops import sequence, wiring  # noqa: PLC0415 - see check

    steps = sequence.steps(wiring.read(folder))
    if output is Format.JSON:
        print_json({"entities": [step.as_json() for step in steps]})
        return
    print_table(sequence.HEADINGS, [step.cells() for step in steps])


@app.command()
def status(
    folder: Folder,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again every two seconds.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count the rows of each entity, however long it takes.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show where source, Kafka and every entity stand, and what to do next.

    Example: understudy status examples/clinic --watch
    """
    from ops import wiring  # noqa: PLC0415 - see check
    from ops.watch.observer import Observer  # noqa: PLC0415

    migration = wiring.read(folder)
    with Observer(migration=migration, at=wiring.endpoints(migration)) as observer:
        while True:
            seen = observer.look(count_ms=0 if exact else COUNT_MS)
            show_status(seen, output, clear=watch)
            if not watch:
                raise typer.Exit(seen.exit_code)
            time.sleep(WATCH_INTERVAL_S)


def show_status(status: "Status", output: Format, *, clear: bool) -> None:
    """Print one look: a JSON line, or a screen that replaces the one before where stdout is a terminal."""
    from ops.watch import text  # noqa: PLC0415 - see check

    if output is Format.JSON:
        print_json(status.as_json())
        return
    if clear and sys.stdout.isatty():
        typer.echo("\x1b[2J\x1b[H", nl=False)  # ECMA-48: erase the screen, go to its corner.
    typer.echo(text.headline(status))
    print_table(text.HEADINGS, list(text.rows(status)))
    for note in text.notes(status):
        typer.echo(note)


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
