"""Replay over the live target: the 14-column table is read again, and every record of it is stale."""

import tempfile
import time
from pathlib import Path

import psycopg

from ops.bench import ground
from ops.replay import over
from ops.stack.state import Endpoints


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Have a worker read a table again that was just moved, from its first commit on."""
    with tempfile.TemporaryDirectory() as folder, ground.databases(stack, rows) as at:
        plan = ground.migration(Path(folder) / "bench", at)
        worker, capture = ground.worker(plan, at.at), ground.capture(plan, at.at)
        with psycopg.connect(at.at.target_dsn, autocommit=True) as target:
            ground.wait(lambda: ground.applied(target) >= rows, "the snapshot to be applied")
            ground.wait(lambda: ground.in_tail(target), "the tail")
            worker.stop()
            over.replay(plan, at.at, ["tasks"], "beginning")
            worker = ground.worker(plan, at.at)
            ground.wait(lambda: ground.applied(target), "the first batch", poll_s=0.005)
            first, started = ground.applied(target), time.perf_counter()
            ground.wait(lambda: ground.applied(target) >= rows, "the last batch", poll_s=0.005)
            seconds = time.perf_counter() - started
        used = {"producer": capture.stop(), "worker": worker.stop()}
    return {
        "rows": rows,
        "stale_rows_per_s": round((rows - first) / seconds),
        "seconds": round(seconds, 2),
        "cpu_s": used["worker"][0],
    }
