"""Commands that prove: account, trace."""

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Entities, Folder, Output, Timeout
from ops.cli.output import Format, print_json, print_table, say

if TYPE_CHECKING:
    from ops.proof.trace import Life

app = typer.Typer()
HERE = Path()


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
    timeout: Timeout = 60.0,
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
            print_table(headings, rows, account_text.SPARE)
            typer.echo()
        typer.echo(taken.verdict())
    if not taken.is_clean:
        raise MismatchError(
            "not every row is accounted for",
            unaccounted=taken.unaccounted,
            remedy="understudy account --output json names the keys; understudy trace shows the life of one.",
        )
    if output is AccountFormat.TABLE:
        typer.echo(f"next: understudy verify {folder}")


trace = typer.Typer(
    no_args_is_help=True,
    help="Show the whole life of one row: both databases, mapping, events, dead letters. It prints row values.",
)
Where = Annotated[Path, typer.Option("--folder", "-f", help="The migration; default: here.")]


@trace.command("source")
def trace_source(
    table: Annotated[str, typer.Argument(help="Legacy table: schema.table.", show_default=False)],
    key: Annotated[
        list[str], typer.Argument(help="Its key, a value for each column.", show_default=False)
    ],
    folder: Where = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Follow a legacy row.

    Example: understudy trace source public.orders 4711 --folder examples/clinic
    """
    from ops import wiring  # noqa: PLC0415 - see account
    from ops.proof import trace as tracing  # noqa: PLC0415

    migration = wiring.read(folder)
    lives = tracing.of_legacy_row(migration, wiring.endpoints(migration), table, key)
    show(lives, folder, output)


@trace.command("target")
def trace_target(
    table: Annotated[str, typer.Argument(help="Target table: schema.table.", show_default=False)],
    row_id: Annotated[str, typer.Argument(metavar="UUID", show_default=False)],
    folder: Where = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Follow a row of the target back to the legacy rows that it was made from.

    Example: understudy trace target clinic.orders 0b6c... --folder examples/clinic
    """
    from ops import wiring  # noqa: PLC0415 - see account
    from ops.proof import trace as tracing  # noqa: PLC0415

    migration = wiring.read(folder)
    lives = tracing.of_target_row(migration, wiring.endpoints(migration), table, row_id)
    show(lives, folder, output)


def show(lives: "Sequence[Life]", folder: Path, output: Format) -> None:
    """Print what was found, a legacy row after the other."""
    from ops.proof import trace_text  # noqa: PLC0415 - see account

    for life in lives:
        if output is Format.JSON:
            print_json(life.as_json())
        else:
            for line in trace_text.lines(life, folder):
                typer.echo(line)
