"""Verification: every row of the 14-column table beside what the rules make of it, while the pipeline runs."""

from ops.bench import ground
from ops.proof import verify
from ops.stack.state import Endpoints
from schemas.errors import InvariantError


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Verify a table that was just moved; keys, rows and totals.

    Raises:
        InvariantError: It is not clean.
    """
    with ground.moved_table(stack, rows) as table:
        found = verify.take(table.plan, table.at, ["tasks"], lambda _: None, timeout_s=60)
        table.capture.stop()
        table.worker.stop()
    if not found.is_clean or found.rows != rows:
        raise InvariantError("the verification is not clean", differing=found.differing)
    return {
        "rows": found.rows,
        "rows_per_s": round(found.rows / found.seconds),
        "seconds": round(found.seconds, 2),
        "held_s": round(found.held_s, 2),
    }
