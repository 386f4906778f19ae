"""A migration that is switched: both databases with rows that belong together, and the way back running in threads."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from consumers import control as forward
from consumers.identity import Identity
from consumers.reverse.control import State
from ops import wiring
from ops.cutover import reverse, reverse_wiring
from ops.stack.state import Endpoints
from schemas.migration import Migration

DEADLINE_S = 60.0
POLL_S = 0.1  # Each look is a connection.
NAMESPACE = UUID("6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10")
LSN = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a migration is made of: SQL of both databases, and entity files by name."""

    source: str
    target: str
    entities: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A switched migration."""

    migration: Migration
    at: Endpoints

    def id(self, entity: str, key: object) -> str:
        """The UUID of a legacy row."""
        return str(UUID(Identity(NAMESPACE, entity).one(str(key))))

    def source(self, statements: str, *values: object) -> Rows:
        """Run SQL on the legacy database."""
        return _run(self.at.source_dsn, statements, values)

    def target(self, statements: str, *values: object) -> Rows:
        """Run SQL on the target, in one transaction."""
        return _run(self.at.target_dsn, statements, values)

    def map(
        self, entity: str, *keys: object, original: str | None = None, owes: bool = False
    ) -> None:
        """Say that these legacy rows were migrated."""
        for key in keys:
            self.target(
                "INSERT INTO understudy.migration_mappings (generation, entity, source, legacy_key, id, state, owed,"
                " epoch, commit_lsn, ordinal, spec_version, original)"
                " VALUES (1, %s, %s, %s, %s, 'l', %s, 1, 1, 0, 1, %s)",
                entity,
                str(self.migration.entities[entity].source),
                str(key),
                self.id(entity, key),
                [self.id(entity, "owed")] if owes else None,
                original,
            )

    def switch(self) -> None:
        """Prepare the way back, and switch here and now."""
        reverse.prepare(self.migration, self.at)
        reverse.begin_at_switch(self.migration, self.at, self.now())

    def now(self) -> int:
        """LSN of the target."""
        return int(self.target(LSN)[0][0])

    @contextmanager
    def running(self) -> Iterator[threading.Event]:
        """Capture and apply, until the event is set; what they fail with is raised at the end."""
        stop = threading.Event()
        with (
            reverse_wiring.capture(self.migration, self.at) as capture,
            reverse_wiring.way_back(self.migration, self.at) as way_back,
            ThreadPoolExecutor() as pool,
        ):
            parts = [pool.submit(capture.run, stop), pool.submit(way_back.run, stop)]
            parts[1].add_done_callback(lambda _: stop.set())
            try:
                yield stop
            finally:
                stop.set()
        for part in parts:
            part.result()

    def applied(self) -> None:
        """Wait until everything that is committed on the target by now is applied."""
        lsn = self.now()
        wait_for("the way back", lambda: reverse.has_applied(self.migration, self.at, lsn))

    def state(self) -> State:
        """How far it is."""
        state = reverse.state(self.migration, self.at)
        assert state is not None
        return state

    def refusal(self) -> str:
        """Wait until the legacy side has refused a row."""
        wait_for("a refusal", lambda: self.state().stopped_reason is not None)
        return self.state().stopped_reason or ""


def wait_for(what: str, is_so: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(POLL_S)


def _run(dsn: str, statements: str, values: tuple[object, ...]) -> Rows:
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(statements.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def open_way(folder: Path, name: str, at: Endpoints, files: Files) -> Way:
    """Write the migration folder, create the tables, and the control schema as the workers do."""
    (folder / "entities").mkdir(parents=True)
    for entity, text in files.entities.items():
        (folder / "entities" / f"{entity}.toml").write_text(text)
    (folder / "understudy.toml").write_text(f"""
pipeline     = "{name}"
namespace    = "{NAMESPACE}"
heartbeat_ms = 100
source       = {{ dsn = "{at.source_dsn}" }}
target       = {{ dsn = "{at.target_dsn}" }}
kafka        = {{ bootstrap = "{at.bootstrap}" }}
registry     = {{ url = "{at.registry_url}" }}
""")
    (folder / "rules.py").write_text("def e164(values):\n    return values\n")
    way = Way(migration=wiring.read(folder), at=at)
    way.source(files.source)
    way.target(files.target)
    with psycopg.connect(at.target_dsn, autocommit=True) as target:
        forward.migrate(target)
        forward.register(target, list(way.migration.entities.values()), folder)
    return way
