"""What every measurement stands on: fresh databases, a migration folder, and forked processes."""

import multiprocessing
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql

from ops import wiring
from ops.stack.state import Endpoints
from ops.waiting import wait_until
from schemas.errors import NotReadyError
from schemas.migration import Migration, load

NAMESPACE = "0f6b7f6e-2f5d-4d0a-9d8c-3d1c7a5b9e21"
WAIT_S = 600.0
POLL_S = 0.02

_TASKS = """
source = "public.tasks"
target = "app.tasks"
originals = {originals}
partitions = 4

[columns]
id = {{ uuid = true }}
order_id = {{ ref = "orders", from = "order_id", missing = "keep" }}
assignee_id = {{ ref = "people", from = "assignee_id", missing = "keep" }}
title = "title"
description = "description"
status = "status"
priority = "priority"
price = "price"
is_done = "is_done"
due = "due"
created_at = "created_at"
updated_at = "updated_at"
meta = "meta"
code = "code"
"""
_SMALL = """
source = "public.{name}"
target = "app.{name}"

[columns]
id = {{ uuid = true }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """A fresh source with rows and a fresh target, on the servers of the stack."""

    at: Endpoints
    name: str


@contextmanager
def databases(stack: Endpoints, rows: int, *, wide: bool = False) -> Iterator[Databases]:
    """Make both databases and drop them afterwards.

    Args:
        stack: The running servers.
        rows: Of the 14-column table.
        wide: Whether each row carries 8 kB of JSON.
    """
    name = f"bench_{secrets.token_hex(4)}"
    at = Endpoints(
        source_dsn=f"{stack.source_dsn.rpartition('/')[0]}/{name}",
        target_dsn=f"{stack.target_dsn.rpartition('/')[0]}/{name}",
        bootstrap=stack.bootstrap,
        registry_url=stack.registry_url,
    )
    for server in (stack.source_dsn, stack.target_dsn):
        _administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with psycopg.connect(at.source_dsn) as source, psycopg.ClientCursor(source) as cursor:
            cursor.execute(read("source.sql"), {"rows": rows, "wide": wide})
        with psycopg.connect(at.target_dsn) as target:
            target.execute(read("target.sql"))
        yield Databases(at=at, name=name)
    finally:
        _drop_slots(stack.source_dsn, name)
        for server in (stack.source_dsn, stack.target_dsn):
            _administer(
                server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def read(name: str) -> str:
    """The text of an SQL file of this folder."""
    return files("ops.bench").joinpath(name).read_text()


def _administer(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def _drop_slots(server: str, database: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        wait(
            lambda: (
                not connection.execute(
                    "SELECT FROM pg_replication_slots WHERE database = %s AND active", [database]
                ).fetchall()
            ),
            "slots in use",
        )
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s",
            [database],
        )


def migration(folder: Path, at: Databases, *, originals: bool = True) -> Migration:
    """Write a migration folder for the databases, and read it."""
    (folder / "entities").mkdir(parents=True)
    pipeline = at.name.replace("_", "-")
    (folder / "understudy.toml").write_text(f'pipeline = "{pipeline}"\nnamespace = "{NAMESPACE}"\n')
    (folder / "entities" / "tasks.toml").write_text(_TASKS.format(originals=str(originals).lower()))
    for name in ("orders", "people"):
        (folder / "entities" / f"{name}.toml").write_text(_SMALL.format(name=name))
    return load(folder, {})


@dataclass(slots=True, kw_only=True)
class Part:
    """A part of the pipeline in a process of its own, forked so that no start of an interpreter is measured."""

    process: multiprocessing.process.BaseProcess
    stop_event: threading.Event

    def stop(self) -> tuple[float, int]:
        """End it.

        Returns:
            CPU seconds, and resident memory at its highest in megabytes.
        """
        self.stop_event.set()
        used = _used(self.process.pid or 0)
        self.process.join(30)
        if self.process.is_alive():
            self.process.kill()
            raise NotReadyError("a part of the pipeline does not stop")
        return used


@dataclass(slots=True, kw_only=True)
class Moved:
    """The 14-column table, moved, and the pipeline that goes on in its tail."""

    plan: Migration
    at: Endpoints
    worker: Part
    capture: Part


@contextmanager
def moved_table(stack: Endpoints, rows: int) -> Iterator[Moved]:
    """Move a table of so many rows; whoever measures stops the parts, and what is left after a failure is killed."""
    with tempfile.TemporaryDirectory() as folder, databases(stack, rows) as at:
        plan = migration(Path(folder) / "bench", at)
        moved = Moved(plan=plan, at=at.at, worker=worker(plan, at.at), capture=capture(plan, at.at))
        try:
            with psycopg.connect(at.at.target_dsn, autocommit=True) as target:
                wait(lambda: applied(target) >= rows, "the snapshot to be applied")
                wait(lambda: in_tail(target), "the tail")
            yield moved
        finally:
            for part in (moved.worker, moved.capture):
                part.process.kill()
                part.process.join()


def _used(pid: int) -> tuple[float, int]:
    """CPU seconds and the high-water mark of a living process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return ticks / os.sysconf("SC_CLK_TCK"), peak_kb // 1024


def capture(plan: Migration, at: Endpoints) -> Part:
    """Start the capture."""
    return _forked(lambda stop: wiring.capture(plan, at).run(stop))


def worker(plan: Migration, at: Endpoints) -> Part:
    """Start a worker of all entities."""
    return _forked(lambda stop: wiring.worker(plan, at).run(stop))


def _forked(target: Callable[[threading.Event], None]) -> Part:
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    process = context.Process(target=target, args=(stop,), daemon=True)
    process.start()
    return Part(process=process, stop_event=stop)  # type: ignore[arg-type]  # The two events have the same methods.


def wait(
    condition: Callable[[], bool], what: str, seconds: float = WAIT_S, poll_s: float = POLL_S
) -> None:
    """Wait until a condition holds.

    Raises:
        NotReadyError: It did not within the time.
    """

    def late() -> NotReadyError:
        return NotReadyError(f"waited {seconds:.0f} s: {what}")

    wait_until(condition, time.monotonic() + seconds, late, poll_s)


def applied(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Records of the 14-column table that are applied, by the checkpoints; 0 before there are any."""
    if connection.execute("SELECT to_regclass('understudy.checkpoints')").fetchall() == [(None,)]:
        return 0
    query = "SELECT coalesce(sum(next_offset), 0)::bigint FROM understudy.checkpoints WHERE entity = 'tasks'"
    return int(str(connection.execute(query).fetchall()[0][0]))


def in_tail(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether the snapshot of every entity is applied."""
    query = "SELECT count(*) FROM understudy.entities WHERE phase <> 'tail'"
    return connection.execute(query).fetchall() == [(0,)]
