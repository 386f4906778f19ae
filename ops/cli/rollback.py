"""The command that leads back: rollback."""

import typer

from ops.cli.arguments import Folder
from ops.cli.cutover import TIMEOUT_S, Confirm, Timeout, require_name
from ops.cli.output import say

app = typer.Typer()


@app.command()
def rollback(folder: Folder, confirm: Confirm = None, timeout: Timeout = TIMEOUT_S) -> None:
    """Have the legacy side written again, with all that the target has accepted since the switch.

    understudy reverse must run. The target is closed to writes, what it has accepted is taken back, the workers begin
    again, and the legacy side is opened. If that takes too long, the target is opened again, and nothing has changed.
    A rollback that was killed goes on with rollback; afterwards the cutover can be begun again.

    Example: understudy rollback examples/clinic --confirm clinic
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.cutover import cutover  # noqa: PLC0415
    from ops.cutover.order import Order  # noqa: PLC0415

    migration = wiring.read(folder)
    require_name(migration.pipeline.pipeline, confirm)
    order = Order(
        migration=migration,
        at=wiring.endpoints(migration),
        say=say,
        timeout_s=timeout,
        max_lag_s=0,
        accepted={},
        because=None,
    )
    cutover.rollback(order)
