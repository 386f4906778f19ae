"""A whole pipeline as processes of its own: start, kill, stop its parts, wait, and compare both sides."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from consumers import control
from examples.clinic.load import DOMAINS, FOUNDATION, create_source, create_target
from examples.clinic.load import FOLDER as CLINIC
from examples.clinic.writer import Writer
from ops.stack.state import Endpoints
from schemas import failpoint
from tests import ledger
from tests.beside import beside
from tests.checker.check import check
from tests.checker.entities.foundation import FOUNDATION as CORE
from tests.checker.same import compare_same
from tests.shop import Shop, open_shop

DEADLINE_S = 120.0
STOP_S = 10.0
POLL_S = 0.2  # Each look is a connection, or two.
LOG_LINES = 12
NAMESPACE = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
AUDIT_SQL = Path(__file__).with_name("audit.sql")
# Small batches and chunks, so that little data takes many durable steps; a killed worker is soon replaced.
SETTINGS = """
pipeline     = "{name}"
namespace    = "{namespace}"
heartbeat_ms = 100
source       = {{ dsn = "{at.source_dsn}", chunk_rows = 1000 }}
target       = {{ dsn = "{at.target_dsn}", batch_rows = 1000 }}
registry     = {{ url = "{at.registry_url}" }}
[kafka]
bootstrap = "{at.bootstrap}"
options   = {{ "session.timeout.ms" = 3000, "heartbeat.interval.ms" = 500 }}
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One process of a pipeline; all it says is in a file.

    Attributes:
        armed: Whether a failpoint is set: it may end by itself.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    armed: bool

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def last_words(self) -> str:
        """The end of what it said."""
        lines = self.log.read_text().splitlines()[-LOG_LINES:]
        return "\n".join([f"--- {self.name}, exit code {self.process.poll()}:", *lines])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A migration folder and what runs of it."""

    folder: Path
    name: str
    at: Endpoints
    parts: list[Part] = field(default_factory=list)

    def start(self, *words: str, failpoint_: str = "") -> Part:
        """Start produce, consume or run, with a failpoint if one is named (name:action@n)."""
        path = self.folder / f"{len(list(self.folder.glob('*.log')))}-{words[0]}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                (sys.executable, "-P", "-m", "ops", words[0], str(self.folder), *words[1:]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, failpoint.VARIABLE: failpoint_},
            )
        part = Part(name=path.stem, process=process, log=path, armed=bool(failpoint_))
        self.parts.append(part)
        return part

    def finish(self, *words: str) -> None:
        """Run a command that must end well by itself."""
        part = self.start(*words)
        code = part.process.wait(DEADLINE_S)
        self.parts.remove(part)
        assert code == 0, part.last_words()

    def kill(self, part: Part) -> None:
        """Kill -9."""
        self._still_runs(part)
        part.process.kill()
        part.process.wait()
        self.parts.remove(part)

    def await_kill(self, part: Part) -> None:
        """Wait until its failpoint has killed a part."""
        self.wait_for(
            f"{part.name} to reach its failpoint", lambda: part.process.poll() is not None
        )
        assert part.process.returncode == -signal.SIGKILL, part.last_words()
        self.parts.remove(part)

    def stop(self, part: Part) -> float:
        """Ask a part to end.

        Returns:
            How long it took, in seconds.
        """
        began = time.monotonic()
        part.process.terminate()
        try:
            code = part.process.wait(STOP_S)
        finally:
            part.process.kill()
            part.process.wait()
            self.parts.remove(part)
        assert code == 0, part.last_words()
        return time.monotonic() - began

    def wait_for(
        self, what: str, is_so: Callable[[], object], deadline_s: float = DEADLINE_S
    ) -> None:
        """Wait for a condition; a part that ends unasked is a failure."""
        deadline = time.monotonic() + deadline_s
        while not is_so():
            for part in self.parts:
                self._still_runs(part)
            if time.monotonic() > deadline:
                words = [part.last_words() for part in self.parts]
                pytest.fail(
                    "\n".join([f"not within {deadline_s} s: {what}", *words, *self._stand()])
                )
            time.sleep(POLL_S)

    def _stand(self) -> list[str]:
        """How far each entity is, for the reader of a failure."""
        with psycopg.connect(self.at.target_dsn) as target:
            rows = target.execute(
                "SELECT entity, phase, stopped_reason, partition, next_offset, watermark, updated_at"
                " FROM understudy.entities JOIN understudy.checkpoints USING (entity) ORDER BY watermark"
            ).fetchall()
        return [" ".join(map(str, row)) for row in rows]

    def _still_runs(self, part: Part) -> None:
        assert part.armed or part.process.poll() is None, part.last_words()

    def in_tail(self) -> bool:
        """Whether the snapshot of every entity is applied."""
        query = "SELECT count(*) > 0 AND bool_and(phase = 'tail') FROM understudy.entities"
        return bool(one(self.at.target_dsn, query))

    def applied(self, entity: str = "%") -> int:
        """Records that are applied, by the checkpoints of the entities whose names are like this."""
        query = "SELECT coalesce(sum(next_offset), 0)::bigint FROM understudy.checkpoints WHERE entity LIKE %s"
        return int(str(one(self.at.target_dsn, query, entity)))

    def wait_for_progress(self) -> None:
        """Wait until something more is applied."""
        before = self.applied()
        self.wait_for("progress", lambda: self.applied() > before)

    def drain(self) -> None:
        """Wait until everything that the source has committed is applied."""
        with psycopg.connect(self.at.source_dsn) as source:
            lsn = ledger.written_up_to(source)
        query = "SELECT count(*) > 0 AND min(watermark) > %s FROM understudy.checkpoints"
        self.wait_for("the last transaction", lambda: one(self.at.target_dsn, query, lsn))

    def problems(self) -> list[str]:
        """What is wrong with the target once all is applied, and what the target saw go back meanwhile."""
        found: list[str] = []

        def clean() -> bool:
            found[:] = [*self._differences(), *self._steps_back()]
            return not found

        deadline = time.monotonic() + STOP_S  # Rows that waited for each other are tried by sweeps.
        while not clean() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return found

    def _differences(self) -> list[str]:
        at = self.at
        report = check(at.source_dsn, at.target_dsn, NAMESPACE, entities=CORE)
        problems = report.problems + compare_same(
            at.source_dsn, at.target_dsn, ledger.PLACE, ledger.KEY, ledger.COLUMNS,
            target_table=ledger.TARGET_PLACE,
        )  # fmt: skip
        return [str(problem) for problem in problems] + ["unaccounted"] * report.unaccounted

    def _steps_back(self) -> list[str]:
        """Each checkpoint must have gone from 0 to where it is, every step from where the last one ended."""
        with psycopg.connect(self.at.target_dsn) as target:
            steps = target.execute(
                "SELECT entity, topic, partition, was, is_now, lag(is_now, 1, 0::bigint) OVER w FROM audit.steps"
                " WINDOW w AS (PARTITION BY entity, topic, partition ORDER BY n)"
            ).fetchall()
            back = target.execute("SELECT entity, legacy_key FROM audit.mappings_back").fetchall()
        jumps = [step for step in steps if not step[3] == step[5] < step[4]]
        assert steps
        return [f"checkpoint {jump}" for jump in jumps] + [f"mapping {row}" for row in back]


def one(dsn: str, query: str, *values: object) -> object:
    """The single value of a query; None where its table is not there yet."""
    with psycopg.connect(dsn) as connection:
        try:
            row = connection.execute(query.encode(), values or None).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row and row[0]


@contextmanager
def writing(at: Endpoints, seed: int, rate: float = 20.0) -> Iterator[ledger.Bookkeeper]:
    """Write into the clinic and its ledger; what goes wrong there is raised here."""
    writer = Writer(at.source_dsn, seed=seed, rate=rate, domains=(FOUNDATION,))
    bookkeeper = ledger.Bookkeeper(at.source_dsn, seed)
    with beside(writer.run, bookkeeper.run) as ran:
        yield bookkeeper
    for done in ran:
        done.result()


@pytest.fixture
def endpoints(stack: Endpoints, source_database: str, target_database: str) -> Endpoints:
    """The servers, with two empty databases of the test's own."""
    return replace(stack, source_dsn=source_database, target_dsn=target_database)


@pytest.fixture
def empty_shop(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Shop:
    """The folder of a small migration of two tables, and its tables without rows."""
    return open_shop(tmp_path, prefix, endpoints)


@pytest.fixture
def clinic(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Pipeline]:
    """The clinic with a ledger; nothing runs yet."""
    yield from clinic_of(tmp_path / "clinic", prefix, endpoints)


def clinic_of(folder: Path, name: str, at: Endpoints) -> Iterator[Pipeline]:
    """The clinic's foundation with a ledger in two empty databases; all its parts are killed at the end.

    About 6,000 rows; the other domains have as many kinds of tables, but nothing that the foundation lacks.
    """
    create_clinic(folder, at, scale=0.01, domains=(FOUNDATION,))
    ledger.add_to(folder, at.source_dsn, at.target_dsn)
    with psycopg.connect(at.target_dsn, autocommit=True) as target:
        target.execute(AUDIT_SQL.read_bytes())
    yield from pipeline_of(folder, name, at)


def create_clinic(
    folder: Path, at: Endpoints, scale: float, domains: Sequence[str] = DOMAINS
) -> None:
    """The entity files of some domains of the clinic, and their tables in two empty databases."""
    for domain in domains:
        shutil.copytree(CLINIC / "entities" / domain, folder / "entities" / domain)
    shutil.copy(CLINIC / "transforms.py", folder)
    create_source(at.source_dsn, scale=scale, seed=1, domains=domains)
    create_target(at.target_dsn)
    with psycopg.connect(at.target_dsn, autocommit=True) as target:
        control.migrate(target)


def pipeline_of(folder: Path, name: str, at: Endpoints) -> Iterator[Pipeline]:
    """A pipeline of a folder with entities; all its parts are killed at the end."""
    settings = SETTINGS.format(name=name, namespace=NAMESPACE, at=at)
    (folder / "understudy.toml").write_text(settings)
    pipeline = Pipeline(folder=folder, name=name, at=at)
    try:
        yield pipeline
    finally:
        for part in pipeline.parts:
            part.process.kill()
            part.process.wait()
