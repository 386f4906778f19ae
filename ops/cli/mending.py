"""Commands by which an operator steps in: pause, resume, drop."""

from typing import Annotated

import typer

from ops.cli.arguments import Entities, Folder
from ops.cli.output import require_name, say

app = typer.Typer()


@app.command()
def pause(folder: Folder, entity: Entities = None) -> None:
    """Hold entities: workers finish their batch and leave them alone until resume. Capture goes on.

    Example: understudy pause examples/clinic --entity orders
    """
    from ops import controls, databases, wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay

    migration = wiring.read(folder)
    chosen = wiring.chosen(migration, tuple(entity or ()))
    with databases.target(wiring.endpoints(migration).target_dsn, "pause") as connection:
        say_changed("paused", controls.pause(connection, chosen))


@app.command()
def resume(folder: Folder, entity: Entities = None) -> None:
    """Let entities go on that were paused, or that stopped by themselves once the cause is mended.

    Example: understudy resume examples/clinic
    """
    from ops import controls, databases, wiring  # noqa: PLC0415 - see pause

    migration = wiring.read(folder)
    chosen = wiring.chosen(migration, tuple(entity or ()))
    with databases.target(wiring.endpoints(migration).target_dsn, "resume") as connection:
        say_changed("resumed", controls.resume(connection, chosen))


def say_changed(verb: str, entities: list[str]) -> None:
    """Say which entities a command has changed."""
    say(f"{verb}: {', '.join(entities)}" if entities else f"nothing to be {verb}")


@app.command()
def drop(
    folder: Folder,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm", metavar="NAME", help="The pipeline's name, in place of typing it."
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list.")] = False,
) -> None:
    """Remove slot, publication, consumer groups, topics, registry subjects and control schema of a stopped pipeline.

    So are tables that a rebuild was filling, and those that were live until a swap; a schema only if nothing else is in
    it. All is listed first, and the pipeline's name has to be typed. Rows of the live tables stay. A drop that was
    interrupted is finished by another one.

    Example: understudy drop examples/clinic --confirm clinic
    """
    from ops import removal, wiring  # noqa: PLC0415 - see pause

    migration = wiring.read(folder)
    at = wiring.endpoints(migration)
    remains = removal.find(migration, at)
    for line in remains.lines():
        typer.echo(line)
    if dry_run:
        for obstacle in remains.in_use:
            say(f"in the way: {obstacle.particulars}")
    if dry_run or not remains.lines():
        say("nothing was removed")
        return
    if remains.in_use:
        raise remains.in_use[0]
    require_name(migration.pipeline.pipeline, confirm, "to remove all this")
    removal.remove(migration, at, remains)
    say(f"removed: {migration.pipeline.pipeline}")
