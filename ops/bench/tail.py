"""The tail: a backlog of updates, and the latency of one row on an otherwise idle pipeline."""

import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from ops.bench import ground
from ops.stack.state import Endpoints

TABLE_ROWS = 300_000
TRANSACTIONS = 300
UPDATES = 1_000
SINGLE_ROWS = 300
PAUSE_S = 0.03

_BACKLOG = "UPDATE public.tasks SET priority = coalesce(priority, 0) + 1 WHERE id > %s AND id <= %s"
_ONE = "UPDATE public.tasks SET priority = %s WHERE id = %s"
_SEEN = "SELECT m.id FROM understudy.migration_mappings m WHERE m.entity = 'tasks' AND m.legacy_key = %s"


def measure(stack: Endpoints) -> dict[str, object]:
    """Apply a backlog of 300 transactions of 1,000 single-column updates, then watch single rows go through."""
    with tempfile.TemporaryDirectory() as folder, ground.databases(stack, TABLE_ROWS) as at:
        plan = ground.migration(Path(folder) / "bench", at)
        with (
            psycopg.connect(at.at.source_dsn, autocommit=True) as source,
            psycopg.connect(at.at.target_dsn, autocommit=True) as target,
        ):
            worker, capture = ground.worker(plan, at.at), ground.capture(plan, at.at)
            ground.wait(lambda: ground.applied(target) >= TABLE_ROWS, "the snapshot to be applied")
            capture.stop()
            for number in range(TRANSACTIONS):
                source.execute(_BACKLOG, [number * UPDATES, (number + 1) * UPDATES])
            capture = ground.capture(plan, at.at)
            rate = _rate(target)
            latencies = sorted(_latency(source, target, key) for key in range(1, SINGLE_ROWS + 1))
            used = {"producer": capture.stop(), "worker": worker.stop()}
    return {
        "updates_per_s": round(rate),
        "p50_ms": round(statistics.median(latencies), 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 1),
        "rss_mb": {part: megabytes for part, (_, megabytes) in used.items()},
    }


def _rate(target: psycopg.Connection[tuple[object, ...]]) -> float:
    """Updates per second from the first applied commit, whose updates do not count, to the last."""
    total = TABLE_ROWS + TRANSACTIONS * UPDATES
    ground.wait(lambda: ground.applied(target) > TABLE_ROWS, "the first update", poll_s=0.005)
    first, started = ground.applied(target), time.perf_counter()
    ground.wait(lambda: ground.applied(target) >= total, "the last update", poll_s=0.05)
    return (total - first) / (time.perf_counter() - started)


def _latency(
    source: psycopg.Connection[tuple[object, ...]],
    target: psycopg.Connection[tuple[object, ...]],
    key: int,
) -> float:
    """Milliseconds from the commit of one update on the source until the target shows it."""
    time.sleep(PAUSE_S)
    value = 1_000 + key
    uuid = target.execute(_SEEN, [str(key)]).fetchall()[0][0]
    source.execute(_ONE, [value, key])
    started = time.perf_counter()
    shown = "SELECT priority FROM app.tasks WHERE id = %s"
    ground.wait(
        lambda: target.execute(shown, [uuid]).fetchall() == [(value,)], "one update", poll_s=0.0005
    )
    return (time.perf_counter() - started) * 1_000
