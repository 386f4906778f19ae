"""Commands by which an operator steps in: pause, resume, drop."""

import typer

from ops.cli.arguments import Entities, Folder

app = typer.Typer()


@app.command()
def pause(folder: Folder, entity: Entities = None) -> None:
    """Hold entities: workers finish their batch and leave them alone until resume. Capture goes on.

    Example: understudy pause examples/clinic --entity orders
    """
