"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from ops.cli.output import Format

Folder = Annotated[
    Path, typer.Argument(help="The migration: understudy.toml and entities/.", show_default=False)
]
Entities = Annotated[
    list[str] | None,
    typer.Option("--entity", help="Only this entity; may be given several times."),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How data is written to stdout.")]
Timeout = Annotated[
    float,
    typer.Option(help="How long to wait for the pipeline to be caught up, in seconds.", min=1),
]
