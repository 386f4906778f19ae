"""Commands to begin with: init, try."""

from pathlib import Path
from typing import Annotated

import typer

from ops.cli.arguments import Entities, Folder, Output
from ops.cli.output import Format, print_json, print_table, say

app = typer.Typer()
ROWS_MAX = 100_000


@app.command()
def init(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Where it is written: empty, or not there yet. Its name becomes the pipeline's.",
            show_default=False,
        ),
    ],
    source: Annotated[str, typer.Option(metavar="DSN", help="The legacy database.")],
    target: Annotated[
        str | None,
        typer.Option(metavar="DSN", help="The new database; tables that it has are matched."),
    ] = None,
) -> None:
    """Write a migration folder for a legacy database that nobody has described yet.

    Reads the catalog and, for what refers to what, at most 1,000 rows a question, for a minute in all; nothing is
    changed there, no value and no password gets into the files. What cannot be known stands in them as a comment,
    risks with the word RISK. target.sql has the tables that the target lacks. Nothing is ever written over.

    Example: understudy init shop --source postgresql://me@old/shop --target postgresql://me@new/shop
    """
    from ops.start.folder import begin  # noqa: PLC0415 - see check
    from schemas.migration import TARGET_FILE  # noqa: PLC0415

    begun = begin(folder, source, target)
    for file in begun.files:
        typer.echo(file)
    say(begun.summary())
    if folder / TARGET_FILE in begun.files:
        say(f"next: psql -f {folder / TARGET_FILE} on the target, understudy check {folder}")
    else:
        say(f"next: understudy check {folder}")


@app.command("try")
def try_(
    folder: Folder,
    entity: Entities = None,
    rows: Annotated[
        int, typer.Option(min=1, max=ROWS_MAX, help="Rows of each entity, picked at random.")
    ] = 1_000,
    output: Output = Format.TABLE,
) -> None:
    """Show what the rules make of some legacy rows, source and target side by side, errors first.

    It PRINTS THE VALUES OF ROWS: mind who reads the screen, or the file. Nothing is written: on the target it works
    in a transaction that is rolled back, and nothing has to run. Whether a parent is there is asked of the source;
    whether other rows have a unique value already, or a parent's own parent is missing, it does not see. Shown are 20
    rows that are refused, 5 that would wait for their parent, 2 that `where` leaves out and 2 that go in, of each
    entity; with --output json all, an object an entity.

    Example: understudy try shop --rows 1000
    """
    from ops import wiring  # noqa: PLC0415 - see check
    from ops.start import trial, trial_text  # noqa: PLC0415

    migration = wiring.read(folder)
    names = wiring.named(migration, tuple(entity or ()))
    found = []
    for one in trial.take(migration, wiring.endpoints(migration), names, rows):
        if output is Format.JSON:
            print_json(one.as_json())
            continue
        found.append(one)
        for title, sides in trial_text.shown(one):
            typer.echo(title)
            if sides:
                print_table(trial_text.SIDES, sides)
            typer.echo()
    if output is Format.TABLE:
        print_table(trial_text.HEADINGS, trial_text.counts(found))
