"""End to end: the 14-column table through capture, Kafka and a worker, beside the floor on the same servers."""

import tempfile
import time
from pathlib import Path

import psycopg

from ops.bench import floor, ground
from ops.stack.state import Endpoints
from schemas.errors import InvariantError
from schemas.migration import Migration

# Markers are in each topic's way too; far below what any part may use.
MEMORY_MB_MAX = 400


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Measure the floor, the pipeline with everything on, the floor again, and the pipeline without originals.

    The two floors stand around the first run, because the speed of a shared machine drifts.
    """
    floors = [_floor(stack, rows)]
    full = _pipeline(stack, rows, originals=True)
    floors.append(_floor(stack, rows))
    lean = _pipeline(stack, rows, originals=False)
    floors.append(_floor(stack, rows))
    beside = sum(floors[:2]) / 2, sum(floors[1:]) / 2
    return {
        "rows": rows,
        "rows_per_s": round(full["rows_per_s"]),
        "floor_rows_per_s": round(beside[0]),
        "ratio": round(full["rows_per_s"] / beside[0], 3),
        "ratio_without_originals": round(lean["rows_per_s"] / beside[1], 3),
        "rss_mb": {"producer": full["producer_mb"], "worker": full["worker_mb"]},
        "cpu_s": {"producer": full["producer_cpu_s"], "worker": full["worker_cpu_s"]},
    }


def _floor(stack: Endpoints, rows: int) -> float:
    with ground.databases(stack, rows) as at:
        return floor.measure(at, rows)


def _pipeline(stack: Endpoints, rows: int, *, originals: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, ground.databases(stack, rows) as at:
        plan = ground.migration(Path(folder) / "bench", at, originals=originals)
        return run(plan, at, rows)


def run(plan: Migration, at: ground.Databases, rows: int) -> dict[str, float]:
    """Move the table once with a forked capture and a forked worker.

    Returns:
        rows_per_s, and megabytes and CPU seconds of both.

    Raises:
        InvariantError: The target does not have every row afterwards.
    """
    worker = ground.worker(plan, at.at)
    started = time.perf_counter()
    capture = ground.capture(plan, at.at)
    with psycopg.connect(at.at.target_dsn, autocommit=True) as target:
        ground.wait(lambda: ground.applied(target) >= rows, "rows to be applied")
        seconds = time.perf_counter() - started
        used = {"producer": capture.stop(), "worker": worker.stop()}
        if target.execute("SELECT count(*) FROM app.tasks").fetchall() != [(rows,)]:
            raise InvariantError("the target does not have every row", table="app.tasks")
    figures = {
        f"{part}_{unit}": value
        for part, pair in used.items()
        for unit, value in zip(("cpu_s", "mb"), pair, strict=True)
    }
    return {"rows_per_s": rows / seconds, **figures}
