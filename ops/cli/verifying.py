"""Commands that compare the target row by row, and mend it: verify, reapply."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.amounts import how_many
from ops.cli.arguments import Entities, Folder, Output, Timeout
from ops.cli.output import Format, print_json, print_table, say
from schemas.errors import MismatchError, UsageError

if TYPE_CHECKING:
    from ops.proof.verification import Verification
    from ops.proof.verify import Options
    from ops.stack.state import Endpoints
    from schemas.migration import Migration

app = typer.Typer()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAMPLE_MAX = 1_000_000_000


@app.command()
def verify(  # noqa: PLR0913 - a parameter an option
    folder: Folder,
    entity: Entities = None,
    *,
    sample: Annotated[
        int,
        typer.Option(
            min=0, max=SAMPLE_MAX, help="Only about so many rows of each entity, at random; 0: all."
        ),
    ] = 0,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="last|TIME",
            help="Only what has changed since the last one, or since 2026-05-01T18:00 (UTC).",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the one that was stopped: entities that it found clean are not read again.",
        ),
    ] = False,
    values: Annotated[
        bool, typer.Option("--values", help="Show the values that differ; they are not kept.")
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0, help="At most so many rows a second; 0: as fast as it goes.")
    ] = 0.0,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Write again what is missing or different, and look again."),
    ] = False,
    output: Output = Format.TABLE,
    timeout: Timeout = 60.0,
) -> None:
    """Compare every row of the target with what the rules make of its legacy row, at one exact point.

    The pipeline goes on: its workers are held for a second or two. A row that differs is named with the reason: it was
    written by somebody else, or by older rules, is missing, or is too much. Where all rows are looked at, so is the
    target as a whole: foreign keys, unique UUIDs, the mapping, sequences, totals. What was found of an entity is kept
    as soon as it is done; status tells when the target has moved on since. Exit code 8 if a row or a total differs, or
    a check does not hold.

    Example: understudy verify examples/clinic --entity payments --values
    """
    from ops import wiring  # noqa: PLC0415 - see account
    from ops.proof import verify as verifying  # noqa: PLC0415

    _require_one_way(sample, since, resume=resume, entity=entity)
    migration = wiring.read(folder)
    at = wiring.endpoints(migration)
    names = wiring.named(migration, tuple(entity or ()))
    options = verifying.Options(since=_since(since), sample=sample, values=values, rows_per_s=rate)
    if resume:
        found = verifying.resume(migration, at, say, timeout_s=timeout, options=options)
    else:
        found = verifying.take(migration, at, names, say, timeout_s=timeout, options=options)
    show(found, output)
    left = 0
    if repair and found.repairable():
        left = found.differing - sum(map(len, found.repairable().values()))
        # What cannot be mended is not looked at again: the next --since last has to know of it.
        found = mended(migration, at, found, replace(options, continues=not left), timeout)
        show(found, output)
    require_clean(found, left)
    if output is Format.TABLE:
        # A sample proves nothing of the other rows.
        step = "verify" if found.scope == "sample" else "cutover plan"
        typer.echo(f"next: understudy {step} {folder}")


def _require_one_way(
    sample: int, since: str | None, *, resume: bool, entity: list[str] | None
) -> None:
    if sum(map(bool, (sample, since, resume))) > 1 or (resume and entity):
        raise UsageError(
            "--sample, --since and --resume exclude each other, and --resume goes with no --entity",
            remedy="Write one; the entities are those that the stopped one was asked for.",
        )


def require_clean(found: "Verification", left: int) -> None:
    """End well only if nothing differs.

    Args:
        found: What was found last.
        left: Rows that could not be mended.

    Raises:
        MismatchError: Something differs.
    """
    if left:
        raise MismatchError("not all of it could be written again", differing=left)
    if not found.is_clean:
        raise MismatchError(
            "the target is not what the rules make of the source",
            differing=found.differing,
            checks=", ".join(check.name for check in found.unmet) or "hold",
            remedy="understudy trace shows the life of a row; --values shows what differs.",
        )


def show(found: "Verification", output: Format) -> None:
    """Print what was found."""
    from ops.proof import verify_text  # noqa: PLC0415 - see verify

    if output is Format.JSON:
        print_json(found.as_json())
        return
    for headings, rows in verify_text.tables(found):
        print_table(headings, rows)
        typer.echo()
    typer.echo(found.verdict())


def mended(
    migration: "Migration",
    at: "Endpoints",
    found: "Verification",
    options: "Options",
    timeout: float,
) -> "Verification":
    """Write what differs again, and verify these rows and what has changed meanwhile."""
    from ops.proof import verify as verifying  # noqa: PLC0415 - see verify
    from ops.proof.repair import repair  # noqa: PLC0415
    from ops.proof.verified import Since  # noqa: PLC0415

    keys = found.repairable()
    for name, count in repair(migration, at, keys).items():
        say(f"{name}: {how_many(count, 'row')} written again")
    names = [entity.entity for entity in found.entities]
    base = {name: Since(offsets=found.offsets, waiting=tuple(keys.get(name, ()))) for name in names}
    again = replace(options, since=base, sample=0, structure=bool(found.checks))
    return verifying.take(migration, at, names, say, timeout_s=timeout, options=again)


@app.command()
def reapply(folder: Folder, entity: Entities = None) -> None:
    """Write the rows that older rules have made again, by the present ones, from their originals in the target.

    For use after an entity file was changed and the workers have taken it up. Batch by batch, while the pipeline runs;
    what the present rules refuse becomes a dead letter. Interrupted, it goes on where it was.

    Example: understudy reapply examples/clinic --entity orders
    """
    from ops import wiring  # noqa: PLC0415 - see verify
    from ops.proof import repair  # noqa: PLC0415

    migration = wiring.read(folder)
    names = wiring.named(migration, tuple(entity or ()))
    done = repair.by_present_rules(migration, wiring.endpoints(migration), names, say)
    print_table(("entity", "rows written again"), [[name, rows] for name, rows in done.items()])


def _since(text: str | None) -> datetime | Literal["last"] | None:
    if text is None or text == "last":
        return "last" if text else None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text} is no time", remedy="Write last, or a time like 2026-05-01T18:00 (UTC)."
        ) from error
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not EPOCH < time < datetime.now(UTC):
        raise UsageError(f"{text} is not in the past", remedy="Write a time since 1970.")
    return time
