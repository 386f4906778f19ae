"""A migration of one or a few small tables, its topics, and workers on it; for the tests of this folder."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from consumers.settings import WorkerSettings
from consumers.worker import Worker
from schemas import migration
from schemas.registry import Registry
from tests.integration.consumers.publisher import Publisher

NAMESPACE = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
DEADLINE_S = 60.0
POLL_S = 0.1  # Each look is a connection.
ROOT = Path(__file__).parents[3]
# Apply lanes of the test's database, to be followed by a condition.
LANES = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'understudy worker lane' AND datname = current_database()"""
LANES_WAITING = f"{LANES} AND wait_event_type = 'Lock'"
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'understudy worker%' AND datname = current_database()"""
# A worker that does not answer is replaced after three seconds instead of ten.
SOON_REPLACED: dict[str, str | int | bool] = {
    "session.timeout.ms": 3_000,
    "heartbeat.interval.ms": 500,
}
RUNNER = "from tests.integration.consumers.harness import main; main()"


class RunningWorker:
    """A worker in a thread of the test."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.worker = Worker(settings)
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.worker.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    @property
    def ended(self) -> bool:
        """Whether it has returned or raised."""
        return not self._thread.is_alive()

    def stop(self) -> float:
        """Ask it to end; returns how many seconds that took."""
        before = time.monotonic()
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert self.ended, "the worker does not end"
        return time.monotonic() - before


@dataclass(kw_only=True)
class Pipeline:
    """Where everything of one test is."""

    name: str
    folder: Path
    dsn: str
    bootstrap: str
    registry_url: str
    publisher: Publisher
    registry: Registry
    running: list[RunningWorker] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def configure(self, toml: str = "", namespace: object = NAMESPACE) -> None:
        """Write understudy.toml."""
        text = f'pipeline = "{self.name}"\nnamespace = "{namespace}"\n{toml}\n'
        (self.folder / "entities").mkdir(exist_ok=True)
        (self.folder / "understudy.toml").write_text(text)

    def entity(self, name: str, columns: str, head: str = "") -> None:
        """Write the file of the entity of the legacy table of the same name."""
        places = f'source = "public.{name}"\ntarget = "new.{name}"\n{head}\n'
        text = f"{places}[columns]\nid = {{ uuid = true }}\n{columns}\n"
        (self.folder / "entities" / f"{name}.toml").write_text(text)

    def settings(self, dsn: str = "") -> WorkerSettings:
        """Settings of one more worker."""
        return WorkerSettings(
            migration=migration.load(self.folder, {}),
            target_dsn=dsn or self.dsn,
            bootstrap=self.bootstrap,
            kafka_options=SOON_REPLACED,
            registry=self.registry,
            client=f"{self.name}-{len(self.running)}",
        )

    def start(self, dsn: str = "") -> RunningWorker:
        """One more worker, in a thread."""
        self.running.append(RunningWorker(self.settings(dsn)))
        return self.running[-1]

    def start_process(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker, as a process."""
        arguments = [str(self.folder), self.dsn, self.bootstrap, self.registry_url]
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, *arguments], cwd=ROOT, env=environment or None
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Stop all workers."""
        for running in self.running:
            running.stop()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.registry.close()

    def query(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the target."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def run(self, *statements: str) -> None:
        """Change the target."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def one(self, query: str, *values: object) -> object:
        """One value of the target; None before the table exists."""
        with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            rows = self.query(query, *values)
            return rows[0][0] if rows else None
        return None

    def until(self, query: str, expected: object, deadline_s: float = DEADLINE_S) -> None:
        """Wait until a query of the target gives a value."""
        wait_for(
            lambda: self.one(query) == expected,
            deadline_s,
            lambda: f"{query}: {self.one(query)} is not {expected}",
        )

    def until_applied(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until all checkpoints stand at the ends of their topics."""
        ends = self.publisher.ends()
        wanted = {(topic, p, end) for topic, at in ends.items() for p, end in at.items()}
        query = "SELECT topic, partition, next_offset FROM understudy.checkpoints"
        wait_for(
            lambda: self._found(query) >= wanted,
            deadline_s,
            lambda: f"{wanted - self._found(query)} is missing",
        )

    def _found(self, query: str) -> set[tuple[object, ...]]:
        with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return set(self.query(query))
        return set()

    @contextlib.contextmanager
    def locked(self, statement: str) -> Iterator[None]:
        """Hold what a statement locks."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement.encode())
            yield
            connection.rollback()


def wait_for(condition: Callable[[], bool], deadline_s: float, told: Callable[[], str]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(POLL_S)


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """A worker as a process: FOLDER DSN BOOTSTRAP REGISTRY."""
    folder, dsn, bootstrap, registry = arguments
    settings = WorkerSettings(
        migration=migration.load(Path(folder), {}),
        target_dsn=dsn,
        bootstrap=bootstrap,
        kafka_options=SOON_REPLACED,
        registry=Registry(registry),
        client="process",
    )
    Worker(settings).run(threading.Event())
