"""The command that tells Prometheus: metrics."""

from typing import Annotated

import typer

from ops.cli.arguments import Folder
from ops.cli.output import say
from ops.cli.running import stop_event

app = typer.Typer()
PORT = 9_810


@app.command()
def metrics(
    folder: Folder,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where to listen.")] = PORT,
    address: Annotated[
        str,
        typer.Option(
            help="On which address; others than this machine's need a network that you trust."
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve the metrics of a pipeline for Prometheus: what `status` says, looked up with each scrape.

    Example: understudy metrics examples/clinic --port 9810
    """
    stop = stop_event()
    from ops.metrics.exporter import exporting  # noqa: PLC0415 - the libraries take a second that --help need not pay

    with exporting(folder, address, port) as url:
        say(f"serving {url}")
        stop.wait()
