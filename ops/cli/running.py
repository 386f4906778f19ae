"""Commands that run the pipeline: run, produce, consume."""

import os
import signal
import threading
from contextlib import nullcontext
from types import FrameType
from typing import Annotated

import typer

from ops import logs, supervise
from ops.cli.arguments import Entities, Folder
from ops.cli.output import say
from ops.cli.serving import PORT, served

app = typer.Typer()
STDIN = 0  # As a descriptor: at exit the interpreter would wait for a reader of its buffered file.
DISPLAY_DEADLINE_S = 1.0  # It may be waiting for a server; nothing depends on its end.

WithParent = Annotated[
    bool, typer.Option("--with-parent", hidden=True, help="Stop when stdin is closed.")
]


@app.command()
def run(
    folder: Folder,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of workers.")] = 1,
    *,
    ui: Annotated[
        bool, typer.Option("--ui", help="Serve the status page too, to this machine.")
    ] = False,
    ui_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of that page; 0: any that is free.")
    ] = PORT,
) -> None:
    """Check the migration, then run capture and workers until they are stopped.

    A part that dies is started again; SIGTERM or Ctrl-C stops all of them in under ten seconds,
    and the next run goes on where they stood.

    Example: understudy run examples/clinic --workers 2
    """
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.preflight import capture  # noqa: PLC0415
    from ops.preflight.check import require_sound  # noqa: PLC0415
    from ops.watch.display import Display  # noqa: PLC0415
    from ops.watch.watcher import watching  # noqa: PLC0415

    stop, done = stop_event(), threading.Event()
    migration = wiring.read(folder)
    at = wiring.endpoints(migration)
    capture.require_none(migration, at)
    require_sound(migration, at)
    with (
        watching(migration, at) as watcher,
        served(watcher, ui_port) if ui else nullcontext(),
    ):
        display = Display(watcher, done, say)
        display.start()
        try:
            code = supervise.supervise(supervise.parts(folder, workers), stop)
        finally:
            done.set()
            display.join(DISPLAY_DEADLINE_S)
    if stop.is_set() and not code:
        say("stopped; the next run goes on from here")
    raise typer.Exit(code)


@app.command()
def produce(folder: Folder, *, with_parent: WithParent = False) -> None:
    """Capture the source: snapshot, then tail, into Kafka. One per pipeline.

    Example: understudy produce examples/clinic
    """
    stop = stop_event(with_parent=with_parent)
    logs.name_part("capture")
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.metrics.processes import capture_metrics  # noqa: PLC0415
    from ops.tracing import traced  # noqa: PLC0415

    migration = wiring.read(folder)
    capture = wiring.capture(migration, wiring.endpoints(migration))
    with capture_metrics(migration, capture), traced(migration, "capture"):
        capture.run(stop)


@app.command()
def consume(folder: Folder, entity: Entities = None, *, with_parent: WithParent = False) -> None:
    """Apply topics to the target. Start as many as you like, on any machine: they share the work.

    Example: understudy consume examples/clinic --entity orders --entity products
    """
    stop = stop_event(with_parent=with_parent)
    logs.name_part("worker")
    # Lanes decode side by side; threads below them only get into each other's way. Read when polars is imported.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from ops import wiring  # noqa: PLC0415 - the libraries take a second that --help need not pay
    from ops.metrics.processes import worker_metrics  # noqa: PLC0415
    from ops.tracing import traced  # noqa: PLC0415

    migration = wiring.read(folder)
    worker = wiring.worker(migration, wiring.endpoints(migration), tuple(entity or ()))
    with worker_metrics(migration, worker), traced(migration, "worker"):
        worker.run(stop)


def stop_event(*, with_parent: bool = False) -> threading.Event:
    """An event that SIGTERM, SIGINT and, if wanted, the end of the parent process set."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if with_parent:
        threading.Thread(target=_follow_parent, args=(stop,), daemon=True).start()
    return stop


def _follow_parent(stop: threading.Event) -> None:
    """Our stdin is a pipe that only the supervisor holds: it closes when the supervisor is gone."""
    while os.read(STDIN, 1):
        pass
    stop.set()
