"""Commands that look and change nothing: check, status, schema."""

from typing import Annotated

import typer

from ops.cli.arguments import Folder, Output
from ops.cli.output import Format, print_json, say

app = typer.Typer()


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
def schema(
    entity: Annotated[
        bool, typer.Option("--entity", help="Of an entity file, not of understudy.toml.")
    ] = False,
) -> None:
    """Print the JSON Schema of understudy.toml, or of an entity file, for editors.

    Example: understudy schema --entity > entity.schema.json
    """
    from schemas.entity import Entity  # noqa: PLC0415 - see check
    from schemas.pipeline import Pipeline  # noqa: PLC0415

    print_json((Entity if entity else Pipeline).model_json_schema(by_alias=True))
