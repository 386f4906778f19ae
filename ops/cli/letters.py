"""Commands for what waits: dead-letters and parked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Entities, Folder, Output
from ops.cli.output import Format, print_json, print_table, say
from schemas.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from ops.databases import Connection
    from ops.letters import Chosen, Kind

dead_letters = typer.Typer(
    no_args_is_help=True,
    help="Rows that cannot be applied: look at them, try them again, give them up.",
)
parked = typer.Typer(no_args_is_help=True, help="Rows that wait for another row: look at them.")

LIMIT = 50
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="WHAT=VALUE",
        help="key=4711, reason=text, sqlstate=23514, since=2026-05-01T18:00 (UTC); all that are given hold.",
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many are listed.")]
OneEntity = Annotated[str, typer.Option("--entity", help="Its entity.", show_default=False)]
OneKey = Annotated[str, typer.Option("--key", help="Its legacy key.", show_default=False)]

_CONDITIONS = ("key", "reason", "sqlstate", "since")
# Columns of the control schema's views, and what they are called on a screen.
_DEAD_LETTER = {
    "entity": "entity",
    "legacy_key": "key",
    "error": "reason",
    "place": "constraint or column",
    "sqlstate": "sqlstate",
    "attempts": "tries",
    "first_at": "since",
}
_PARKED = {
    "entity": "entity",
    "legacy_key": "key",
    "reason": "reason",
    "waits_for": "waits for",
    "waits_id": "its UUID",
    "attempts": "tries",
    "first_at": "since",
}
# What a narrow terminal leaves out, the least important first.
_SPARE = ("tries", "its UUID", "sqlstate", "since")

# What a parked row waits for, by reason, and what lets it in; each is tried again by itself.
_LETS_IN = {
    "base": "a change came without the whole row; the capture reads the row again.",
    "watermark": "whether the parent is missing is known once what the source has so far is applied.",
    "parent": "it goes in with the row that it refers to; or have the source refer to another one.",
    "parent excluded": "the row that it refers to is left out by `where`: have it refer to another, or change `where`.",
    "children": "its delete waits for the rows that refer to it: they have to go, or to refer to another one.",
    "unique": "another row has its value of this unique key; it goes in once that row has another value in the source, "
    "or is deleted there.",
}


@dead_letters.command("list")
def list_dead_letters(
    folder: Folder,
    entity: Entities = None,
    only: Only = None,
    limit: Limit = LIMIT,
    output: Output = Format.TABLE,
) -> None:
    """List dead letters with their reasons, the oldest first.

    Example: understudy dead-letters list examples/clinic --entity orders --only sqlstate=23514
    """
    from ops.letters import Kind  # noqa: PLC0415 - the libraries take a second that --help need not pay

    with opened(folder, entity, only) as (connection, known):
        show_list(connection, Kind.DEAD_LETTERS, known, limit, output)


@parked.command("list")
def list_parked(
    folder: Folder,
    entity: Entities = None,
    only: Only = None,
    limit: Limit = LIMIT,
    output: Output = Format.TABLE,
) -> None:
    """List parked rows and what each waits for, the oldest first.

    Example: understudy parked list examples/clinic --entity orders
    """
    from ops.letters import Kind  # noqa: PLC0415 - see list_dead_letters

    with opened(folder, entity, only) as (connection, known):
        show_list(connection, Kind.PARKED, known, limit, output)


@dead_letters.command("show")
def show_dead_letter(folder: Folder, entity: OneEntity, key: OneKey) -> None:
    """Print all that is known of one dead letter as JSON, its legacy row included.

    Example: understudy dead-letters show examples/clinic --entity orders --key 4711
    """
    from ops.letters import Kind  # noqa: PLC0415 - see list_dead_letters

    with opened(folder, [entity], [f"key={key}"]) as (connection, known):
        show_one(connection, Kind.DEAD_LETTERS, known)


@parked.command("show")
def show_parked(folder: Folder, entity: OneEntity, key: OneKey) -> None:
    """Print all that is known of one parked row as JSON, its legacy row included.

    Example: understudy parked show examples/clinic --entity orders --key 4711
    """
    from ops.letters import Kind  # noqa: PLC0415 - see list_dead_letters

    with opened(folder, [entity], [f"key={key}"]) as (connection, known):
        show_one(connection, Kind.PARKED, known)


@dead_letters.command()
def export(
    folder: Folder,
    entity: Entities = None,
    only: Only = None,
) -> None:
    """Print dead letters as JSON, one a line, each with its legacy row.

    Example: understudy dead-letters export examples/clinic > letters.jsonl
    """
    from ops import letters  # noqa: PLC0415 - see list_dead_letters

    with opened(folder, entity, only) as (connection, known):
        rows, _ = letters.find(connection, letters.Kind.DEAD_LETTERS, known)
    for row in rows:
        print_json(row)


@dead_letters.command()
def retry(
    folder: Folder,
    entity: Entities = None,
    only: Only = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until the workers have tried.")
    ] = 0.0,
) -> None:
    """Have the workers try dead letters again, after an entity file, a function or the target was mended.

    Where entity files were changed, the workers start again with them, and try rows that lack a parent as well.

    Example: understudy dead-letters retry examples/clinic --entity orders --wait 60
    """
    from ops import letters, wiring  # noqa: PLC0415 - see list_dead_letters

    migration = wiring.read(folder)
    with opened(folder, entity, only) as (connection, known):
        marked = letters.retry(connection, known)
        reloaded = letters.reload(connection, migration, known)
        say(
            f"to be tried again: {len(marked)}"
            + (f"; new rules: {', '.join(reloaded)}" if reloaded else "")
        )
        if wait and (marked or reloaded):
            letters.await_tried(connection, migration, known, wait)
            _, left = letters.find(connection, letters.Kind.DEAD_LETTERS, known, limit=1)
            say(f"left: {left}")


@dead_letters.command()
def discard(
    folder: Folder,
    because: Annotated[
        str, typer.Option("--because", help="Why; it goes into the audit log.", show_default=False)
    ],
    entity: Entities = None,
    only: Only = None,
) -> None:
    """Give dead letters up: their rows count as excluded, with your reason in the audit log.

    A newer version from the source still goes in. Deletes and rows with an older version in the target are left alone.

    Example: understudy dead-letters discard examples/clinic --entity tasks --only key=17 --because "a test"
    """
    from ops import letters  # noqa: PLC0415 - see list_dead_letters

    if not because.strip():
        raise UsageError("discarding wants a reason", remedy='Write --because "...".')
    if not (entity or only):
        raise UsageError("this would discard them all", remedy="Say which: --entity, --only ...")
    with opened(folder, entity, only) as (connection, known):
        gone = letters.discard(connection, known, because)
        _, left = letters.find(connection, letters.Kind.DEAD_LETTERS, known, limit=1)
    for name in gone:
        typer.echo(name)
    say(f"discarded: {len(gone)}, left: {left}")


@contextmanager
def opened(folder: Folder, entity: Entities, only: Only) -> Iterator[tuple["Connection", "Chosen"]]:
    """A session with the target, and what the options choose.

    Raises:
        UsageError: The migration has no such entity, or nothing can be chosen by that.
    """
    from ops import databases, wiring  # noqa: PLC0415 - see list_dead_letters
    from ops.letters import Chosen  # noqa: PLC0415

    conditions = dict(_condition(text) for text in only or ())
    migration = wiring.read(folder)
    chosen = Chosen(entities=list(wiring.named(migration, tuple(entity or ()))), **conditions)
    with databases.target(wiring.endpoints(migration).target_dsn, "dead letters") as connection:
        yield connection, chosen


def _condition(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if name not in _CONDITIONS or not value:
        raise UsageError(
            f"nothing can be chosen by {text}",
            remedy=f"Write {', '.join(f'{known}=...' for known in _CONDITIONS)}.",
        )
    if name == "since":
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise UsageError(
                f"{value} is no time", remedy="Write it like 2026-05-01T18:00 (UTC)."
            ) from error
    return name, value


def show_list(
    connection: "Connection", kind: "Kind", chosen: "Chosen", limit: int, output: Format
) -> None:
    """Print what is found, without the legacy rows, and say how much more there is."""
    from ops import letters  # noqa: PLC0415 - see list_dead_letters

    columns = _PARKED if kind is letters.Kind.PARKED else _DEAD_LETTER
    rows, found = letters.find(connection, kind, chosen, limit)
    if output is Format.JSON:
        said = [{name: value for name, value in row.items() if name != "image"} for row in rows]
        print_json({"found": found, "rows": said})
        return
    for row in rows:
        row["place"] = row.get("constraint_name") or row.get("column_name")
    shown = [[_cell(row[name]) for name in columns] for row in rows]
    print_table(list(columns.values()), shown, _SPARE)
    say(f"{found} found" + (f", {len(rows)} shown (--limit)" if found > len(rows) else ""))
    if kind is letters.Kind.PARKED:
        for reason in sorted({row["reason"] for row in rows}):
            say(f"{reason}: {_LETS_IN[reason]}")


def _cell(value: object) -> object:
    """To the second, as nobody reads more."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value


def show_one(connection: "Connection", kind: "Kind", chosen: "Chosen") -> None:
    """Print one row whole.

    Raises:
        NotFoundError: There is none.
    """
    from ops import letters  # noqa: PLC0415 - see list_dead_letters

    rows, found = letters.find(connection, kind, chosen, limit=1)
    if not found:
        raise NotFoundError(
            "nothing waits under this key", entity=chosen.entities[0], legacy_key=chosen.key
        )
    print_json(rows[0])
