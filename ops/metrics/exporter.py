"""The metrics of a whole pipeline, from what `status` reads; it runs beside the pipeline, on any machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from ops import wiring
from ops.metrics import samples
from ops.metrics.definitions import OF_STATUS, Sample
from ops.metrics.endpoint import Samples, serving
from ops.watch.watcher import watching


@contextmanager
def exporting(folder: Path, address: str, port: int) -> Iterator[str]:
    """Serve the metrics of a migration, and tell where.

    Raises:
        ConfigError: The folder cannot be read.
        ConflictError: The port is taken.
    """
    migration, installed = wiring.read(folder), version("understudy")
    with watching(migration, wiring.endpoints(migration)) as watcher:

        def ask() -> Iterator[Sample]:
            return samples.of_status(watcher.look(), installed)

        told = Samples(migration.pipeline.pipeline, OF_STATUS, ask)
        with serving(told, address, [port]):
            yield f"http://{address}:{port}/metrics"
