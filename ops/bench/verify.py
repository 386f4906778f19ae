"""Verification: every row of the 14-column table beside what the rules make of it, while the pipeline runs."""

import tempfile
from pathlib import Path

import psycopg

from ops.bench import ground
from ops.proof import verify
from ops.stack.state import Endpoints
from schemas.errors import InvariantError


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Verify a table that was just moved; keys, rows and totals.

    Raises:
        InvariantError: It is not clean.
    """
    with tempfile.TemporaryDirectory() as folder, ground.databases(stack, rows) as at:
        plan = ground.migration(Path(folder) / "bench", at)
        worker, capture = ground.worker(plan, at.at), ground.capture(plan, at.at)
        with psycopg.connect(at.at.target_dsn, autocommit=True) as target:
            ground.wait(lambda: ground.applied(target) >= rows, "the snapshot to be applied")
            ground.wait(lambda: ground.in_tail(target), "the tail")
        found = verify.take(plan, at.at, ["tasks"], lambda _: None, timeout_s=60)
        capture.stop()
        worker.stop()
    if not found.is_clean or found.rows != rows:
        raise InvariantError("the verification is not clean", differing=found.differing)
    return {
        "rows": found.rows,
        "rows_per_s": round(found.rows / found.seconds),
        "seconds": round(found.seconds, 2),
        "held_s": round(found.held_s, 2),
    }
