"""Replay over the live target: the 14-column table is read again, and every record of it is stale."""

import time

import psycopg

from ops.bench import ground
from ops.replay import over
from ops.stack.state import Endpoints


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Have a worker read a table again that was just moved, from its first commit on."""
    with (
        ground.moved_table(stack, rows) as table,
        psycopg.connect(table.at.target_dsn, autocommit=True) as target,
    ):
        table.worker.stop()
        over.replay(table.plan, table.at, ["tasks"], "beginning")
        worker = ground.worker(table.plan, table.at)
        ground.wait(lambda: ground.applied(target) > 0, "the first batch", poll_s=0.005)
        first, started = ground.applied(target), time.perf_counter()
        ground.wait(lambda: ground.applied(target) >= rows, "the last batch", poll_s=0.005)
        seconds = time.perf_counter() - started
        table.capture.stop()
        cpu_s, _ = worker.stop()
    return {
        "rows": rows,
        "stale_rows_per_s": round((rows - first) / seconds),
        "seconds": round(seconds, 2),
        "cpu_s": cpu_s,
    }
