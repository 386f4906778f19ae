"""Commands beside the evening itself: rehearse, and rollback, which leads back."""

import typer

from ops.cli.arguments import Folder, Output
from ops.cli.cutover import (
    CLOSING,
    MAX_LAG_S,
    TIMEOUT_S,
    Accept,
    Confirm,
    MaxLag,
    Timeout,
    order_of,
    print_gates,
)
from ops.cli.output import Format, print_json, print_table, require_name

app = typer.Typer()


@app.command()
def rehearse(
    folder: Folder,
    accept: Accept = None,
    max_lag: MaxLag = MAX_LAG_S,
    timeout: Timeout = TIMEOUT_S,
    output: Output = Format.TABLE,
) -> None:
    """Time the write pause without touching who writes: all of the cutover but the fence and the switch.

    Prints the gates as they stand, and how long the parts of the pause take under the load of now. Exit code 7 if a
    gate is not met.

    Example: understudy rehearse examples/clinic
    """
    from ops.cutover import gate, planning, rehearsal  # noqa: PLC0415 - the libraries take a second that --help need not pay

    found = rehearsal.rehearse(order_of(folder, accept, max_lag=max_lag, timeout=timeout))
    if output is Format.JSON:
        print_json(found.as_json())
    else:
        print_gates(list(found.gates))
        typer.echo()
        print_table(("part of the write pause", "seconds"), list(found.seconds.items()))
        if found.pause_s is not None:
            typer.echo(f"expected write pause: {found.pause_s:.2f} s")
    gate.require_met(found.gates)
    if output is Format.TABLE:
        typer.echo(f"next: {planning.next_steps(folder, found.gates)[0]}")


@app.command()
def rollback(folder: Folder, confirm: Confirm = None, timeout: Timeout = TIMEOUT_S) -> None:
    """Have the legacy side written again, with all that the target has accepted since the switch.

    understudy reverse must run. The target is closed to writes, what it has accepted is taken back, the workers begin
    again, and the legacy side is opened. If that takes too long, the target is opened again, and nothing has changed.
    A rollback that was killed goes on with rollback; afterwards the cutover can be begun again.

    Example: understudy rollback examples/clinic --confirm clinic
    """
    from ops.cutover import cutover  # noqa: PLC0415 - see rehearse

    order = order_of(folder, timeout=timeout)
    cutover.require_to_roll_back(order)
    require_name(order.migration.pipeline.pipeline, confirm, CLOSING)
    cutover.rollback(order)
