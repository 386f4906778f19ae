"""The command that runs the way back: reverse."""

import threading
from typing import TYPE_CHECKING

import typer

from ops.cli.arguments import Folder
from ops.cli.running import stop_event

if TYPE_CHECKING:
    from producers.capture import Capture

app = typer.Typer()


@app.command()
def reverse(folder: Folder) -> None:
    """Take the changes of the target back to the legacy database, from the switch until a rollback. One per pipeline.

    It goes on where it stood, and ends by itself when a rollback has given the entities back. A row that the legacy
    side refuses stops it, is named, and is tried again every few seconds; nothing is skipped.

    Example: understudy reverse examples/clinic
    """
    stop = stop_event()
    from consumers.reverse import control  # noqa: PLC0415 - takes a second that --help need not pay
    from ops import databases, wiring  # noqa: PLC0415
    from ops.cutover import reverse_wiring  # noqa: PLC0415

    migration = wiring.read(folder)
    at = wiring.endpoints(migration)
    with databases.source(at.source_dsn, "way back") as legacy:
        control.require_switched(legacy, migration.pipeline.pipeline)
    with (
        reverse_wiring.capture(migration, at) as capture,
        reverse_wiring.way_back(migration, at) as way_back,
    ):
        capturing = _Capturing(capture, stop)
        capturing.start()
        try:
            way_back.run(stop)
        finally:
            stop.set()
            capturing.join()
    if capturing.failure is not None:
        raise capturing.failure


class _Capturing(threading.Thread):
    """Captures beside the apply; where it ends, so does the apply."""

    def __init__(self, capture: "Capture", stop: threading.Event) -> None:
        super().__init__(name="capture")
        self._capture = capture
        self._stop_event = stop
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            self._capture.run(self._stop_event)
        except Exception as error:  # noqa: BLE001 - raised by the main thread
            self.failure = error
        finally:
            self._stop_event.set()
