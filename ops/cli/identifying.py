"""The command that shows old ids to applications and partners: ids."""

from typing import Annotated

import typer

from ops.cli.arguments import Folder
from ops.cli.output import print_table

app = typer.Typer()


@app.command()
def ids(
    folder: Folder,
    grant: Annotated[
        list[str] | None,
        typer.Option(
            "--grant",
            metavar="ROLE",
            help="Let this role of the target read them; may be given several times.",
        ),
    ] = None,
) -> None:
    """Make a view for each entity that tells the UUID of every old id, and let roles read it.

    understudy.ids_<entity> has the legacy key in columns of its own types, and target_id; understudy.id_of('orders',
    '4711') asks for one, also by a key that has moved. Neither shows the original rows. They stay right through swap,
    cutover and rollback, and go with understudy drop. An index for each view costs the apply a few percent. Repeat it
    after an entity was added.

    Example: understudy ids examples/clinic --grant billing
    """
    from ops import ids as views  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops import wiring  # noqa: PLC0415

    migration = wiring.read(folder)
    made = views.make(migration, wiring.endpoints(migration), grant or ())
    rows = [
        [one.entity, f"understudy.{one.name}", ", ".join(one.key), "yes" if one.indexed else "no"]
        for one in made
    ]
    print_table(("entity", "view", "key", "index"), rows)
