"""The command that shows a pipeline in a browser: serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.arguments import Folder
from ops.cli.output import say

if TYPE_CHECKING:
    from ops.watch.watcher import Watcher

app = typer.Typer()
ADDRESS = "127.0.0.1"
PORT = 8787


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - each is an option of the command
    folder: Folder,
    address: Annotated[str, typer.Option(help="On which address to listen.")] = ADDRESS,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = PORT,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Under which browsers ask for it; several may be given."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its token; without it, one is made.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM.")] = None,
    *,
    actions: Annotated[
        bool,
        typer.Option(
            "--actions",
            help="With the token, let the page retry, verify, begin and abort a cutover.",
        ),
    ] = False,
) -> None:
    """Show the pipeline as a page in a browser, until SIGTERM or Ctrl-C. Nothing is changed without --actions.

    With the token in the address that it prints the page shows rows, without it figures alone.

    Other machines see it only with --token-file, --tls-cert and --tls-key; better, let ssh bring the port to theirs.

    Example: understudy serve examples/clinic --port 9000
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.cli.running import stop_event  # noqa: PLC0415 - it takes `served` from here
    from ops.serve.access import Place  # noqa: PLC0415
    from ops.serve.server import serving  # noqa: PLC0415
    from ops.watch.watcher import watching  # noqa: PLC0415

    stop = stop_event()
    place = Place(
        host=address, port=port, names=tuple(name or ()), certificate=tls_cert, key=tls_key
    )
    place.require_safe(token_file)
    migration = wiring.read(folder)
    with (
        watching(migration, wiring.endpoints(migration)) as watcher,
        serving(watcher, place, token_file, acts=actions) as url,
    ):
        say(f"the page: {url}")
        stop.wait()


@contextmanager
def served(watcher: "Watcher", port: int) -> Iterator[None]:
    """Serve the page to this machine while the block runs, and say where."""
    from ops.serve.access import Place  # noqa: PLC0415 - see serve
    from ops.serve.server import serving  # noqa: PLC0415

    with serving(watcher, Place(host=ADDRESS, port=port), None) as url:
        say(f"the page: {url}")
        yield
