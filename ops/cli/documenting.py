"""The command that writes documents: document."""

from pathlib import Path
from typing import Annotated

import typer

from ops.cli.arguments import Folder
from ops.cli.output import say
from schemas.errors import UsageError

app = typer.Typer()


@app.command()
def document(
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where the files go; made if it is not there."
        ),
    ],
) -> None:
    """Write what the migration does as documents: data model, diagrams, topic contracts, coverage.

    They are made of the entity files and both catalogs, no row is read, and nothing is changed but these files:
    data-model.md (each target column and what it is made from), data-model.svg and one diagram per domain,
    topics.json (AsyncAPI 3, with the Avro schemas) and coverage.md (what no rule covers). The same files and catalogs
    give the same bytes, so they can be kept beside the entity files and compared in a test.

    Example: understudy document examples/clinic --output examples/clinic/docs
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.document import catalogs  # noqa: PLC0415
    from ops.document.documents import documents  # noqa: PLC0415

    migration = wiring.read(folder)
    written = documents(catalogs.read(migration, wiring.endpoints(migration)))
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (output / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write there: {error.strerror}",
            remedy="Name another --output.",
            file=error.filename,
        ) from error
    for name in written:
        typer.echo(output / name)
    say(f"{len(written)} documents of {len(migration.entities)} entities")
