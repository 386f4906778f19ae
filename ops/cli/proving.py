"""Commands that prove: account."""

import enum
from typing import Annotated

import typer

from ops.cli.arguments import Entities, Folder
from ops.cli.output import print_json, print_table, say

app = typer.Typer()


class AccountFormat(enum.StrEnum):
    """How an account is written to stdout."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


@app.command()
def account(
    folder: Folder,
    entity: Entities = None,
    output: Annotated[
        AccountFormat,
        typer.Option("--output", "-o", help="html: a page of its own, for who audits."),
    ] = AccountFormat.TABLE,
    timeout: Annotated[
        float,
        typer.Option(help="How long to wait for the pipeline to be caught up, in seconds.", min=1),
    ] = 60.0,
) -> None:
    """Account for every legacy row at one exact point, and add up the numeric columns of both sides.

    Rows in the source = in the target + merged + dead letters + parked + excluded. The pipeline goes on: its workers
    are held for a second or two. Exit code 8 if a row is unaccounted for, or a total differs.

    Example: understudy account examples/clinic --output html > account.html
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.proof import account_page, account_text, accounting  # noqa: PLC0415
    from schemas.errors import MismatchError  # noqa: PLC0415

    migration = wiring.read(folder)
    names = wiring.named(migration, tuple(entity or ()))
    taken = accounting.take(migration, wiring.endpoints(migration), names, say, timeout_s=timeout)
    if output is AccountFormat.JSON:
        print_json(taken.as_json())
    elif output is AccountFormat.HTML:
        typer.echo(account_page.page(taken))
    else:
        for headings, rows in account_text.tables(taken):
            print_table(headings, rows)
            typer.echo()
        typer.echo(taken.verdict())
    if not taken.is_clean:
        raise MismatchError(
            "not every row is accounted for",
            unaccounted=taken.unaccounted,
            remedy="understudy account --output json names the keys; understudy trace shows the life of one.",
        )
