"""Resident memory of capture and worker: as the table grows tenfold, and with 8 kB of JSON in each row."""

import tempfile
from pathlib import Path

from ops.bench import ground, pipeline
from ops.stack.state import Endpoints


def measure(stack: Endpoints, rows: int) -> dict[str, object]:
    """Move a table, one ten times as long, and one with wide rows.

    Args:
        stack: The running servers.
        rows: Of the longest table.
    """
    return {
        "rss_mb_tenth": _megabytes(stack, rows // 10),
        "rss_mb": _megabytes(stack, rows),
        "rss_mb_wide_rows": _megabytes(stack, rows // 10, wide=True),
        "rss_mb_max": pipeline.MEMORY_MB_MAX,
    }


def _megabytes(stack: Endpoints, rows: int, *, wide: bool = False) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, ground.databases(stack, rows, wide=wide) as at:
        used = pipeline.run(ground.migration(Path(folder) / "bench", at), at, rows)
        return {"producer": used["producer_mb"], "worker": used["worker_mb"]}
