"""Captures of a test's own database into topics of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from producers import marker
from producers.capture import Capture
from producers.settings import CaptureSettings, TableSettings
from producers.source import connect
from schemas import failpoint, names
from schemas.positions import Marker, Truncate
from schemas.registry import Registry
from tests.integration.producers import history

Source = psycopg.Connection[tuple[object, ...]]
Rows = dict[tuple[Any, ...], dict[str, Any]]
TableReader = Callable[[str], Rows]
ROOT = Path(__file__).parents[3]
HEARTBEAT_MS = 200


@dataclass(frozen=True)
class Pipeline:
    """One pipeline of a test, and what it left behind."""

    settings: CaptureSettings
    registry_url: str

    def with_tables(self, *labels: str, **changes: Any) -> "Pipeline":
        """The same pipeline with these tables, written schema.table."""
        tables = tuple(self._table(*label.split(".", 1)) for label in labels)
        return replace(self, settings=replace(self.settings, tables=tables, **changes))

    def _table(self, schema: str, name: str) -> TableSettings:
        topic = names.topic(self.settings.pipeline, schema, name)
        return TableSettings(schema=schema, name=name, topic=topic, partitions=2)

    @contextmanager
    def running(self) -> Iterator[Capture]:
        """Capture in a thread of this process; what it fails with is raised at the end."""
        capture, stop, failures = Capture(self.settings), threading.Event(), []

        def run() -> None:
            try:
                capture.run(stop)
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield capture
        finally:
            stop.set()
            thread.join(timeout=30)
            if failures:
                raise failures[0]
        assert not thread.is_alive()

    @contextmanager
    def process(self, failpoints: str = "") -> Iterator[subprocess.Popen[str]]:
        """Capture in a process of its own, with failpoints armed."""
        fields = ("pipeline", "source_dsn", "bootstrap", "heartbeat_ms", "chunk_rows")
        document: dict[str, Any] = {name: getattr(self.settings, name) for name in fields}
        document["registry_url"] = self.registry_url
        document["tables"] = [
            {"schema": t.schema, "name": t.name, "topic": t.topic, "partitions": t.partitions}
            for t in self.settings.tables
        ]
        command = [sys.executable, "-m", "tests.integration.producers.run_capture"]
        environment = {**os.environ, failpoint.VARIABLE: failpoints, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, json.dumps(document)],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def drain(self, connection: Source) -> Marker:
        """Wait until everything committed so far is in Kafka."""
        name = f"drain-{os.urandom(4).hex()}"
        marker.emit(connection, name)
        reached = history.awaited(
            self.settings.bootstrap,
            self.settings.positions_topic,
            lambda record: isinstance(record, Marker) and record.id == name,
        )
        assert isinstance(reached, Marker)
        return reached

    def snapshot_done(self, capture: Capture) -> None:
        """Wait until all tables are copied."""

        def done() -> bool:
            assert capture.progress().phase != "stopped", "the capture has ended"
            tables = capture.progress().tables
            return len(tables) == len(self.settings.tables) and all(t.done for t in tables)

        history.wait_for("the end of the snapshot", done)

    def events(self, place: int = 0) -> list[history.Event]:
        """All changes in the topic of a table."""
        topic = self.settings.tables[place].topic
        return history.events(self.settings.bootstrap, self.settings.registry, topic)

    def rows(self, place: int = 0) -> Rows:
        """What the topic of a table says that the table holds."""
        topic = self.settings.tables[place].topic
        stored = history.records(self.settings.bootstrap, self.settings.positions_topic)
        truncates = [r for r in stored if isinstance(r, Truncate) and r.topic == topic]
        return history.folded(self.events(place), truncates)

    def records(self, kind: type[Any]) -> list[Any]:
        """Records of one kind in the positions topic."""
        stored = history.records(self.settings.bootstrap, self.settings.positions_topic)
        return [record for record in stored if isinstance(record, kind)]


@pytest.fixture
def source(source_database: str) -> Iterator[Source]:
    """A session of the legacy application, in autocommit, that prints as ours do."""
    with connect(source_database, "test") as connection:
        yield connection


@pytest.fixture
def pipeline(
    source_database: str, bootstrap: str, registry_url: str, prefix: str
) -> Iterator[Pipeline]:
    """A pipeline without tables."""
    registry = Registry(registry_url)
    settings = CaptureSettings(
        pipeline=prefix,
        source_dsn=source_database,
        bootstrap=bootstrap,
        registry=registry,
        tables=(),
        heartbeat_ms=HEARTBEAT_MS,
    )
    yield Pipeline(settings=settings, registry_url=registry_url)
    registry.close()


@pytest.fixture
def table_of(source: Source) -> TableReader:
    """Reads a table with an integer key `id` and texts, as the topic's rows read."""

    def read(label: str) -> Rows:
        cursor = source.execute(f"SELECT * FROM {label}")  # noqa: S608 - a name of the test's own
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
        return {(row["id"],): row for row in rows}

    return read
