"""The shop on real servers, and the command as its user meets it."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from consumers import control
from ops import wiring
from ops.proof import accounting
from ops.proof import verify as verifying
from ops.stack import postgres, process
from ops.stack.part import wait_until_ready
from ops.stack.state import dsn, free_port, temporary_home
from tests.here import command_here
from tests.integration.ops.still import at_rest, mapped, row_id
from tests.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    return empty_shop


@pytest.fixture
def understudy() -> Callable[..., Ended]:
    """The command in this process."""

    def call(*words: object) -> Ended:
        ended = command_here(*words)
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return call


@pytest.fixture(scope="module")
def plain_server() -> Iterator[str]:
    """The DSN of a server as it comes out of the box: wal_level = replica, one slot, passwords for one role."""
    home = temporary_home("test")
    (home / "log").mkdir()
    port = free_port(avoid=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            postgres,
            "SETTINGS",
            postgres.SETTINGS | {"wal_level": "replica", "max_replication_slots": "1"},
        )
        part = postgres.build("plain", port, home)
    assert part.prepare is not None
    account = process.credentials(part.account)
    subprocess.run(part.prepare, check=True, capture_output=True, cwd=part.folder, **account)
    hba = part.folder / "data" / "pg_hba.conf"
    hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    server = process.start(part.command, log=part.log, folder=part.folder, account=part.account)
    try:
        wait_until_ready(part, server)
        yield dsn(port, "postgres")
    finally:
        process.stop([(server, signal.SIGINT)])
        shutil.rmtree(home)


def register(shop: Shop) -> None:
    """What the first worker does on the target."""
    with psycopg.connect(shop.target_dsn, autocommit=True) as connection:
        control.migrate(connection)
        migration = wiring.read(shop.folder)
        control.register(connection, list(migration.entities.values()), migration.folder)


@pytest.fixture
def still(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with one customer on both sides, whose exact point is now."""
    register(shop)
    shop.source("INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02 12:00')")
    with psycopg.connect(shop.target_dsn) as target:
        values = (row_id("customers", 1), "Ada", None, "2020-02-02 11:00Z", "AT")
        target.execute("INSERT INTO shop.customers VALUES (%s, %s, %s, %s, %s)", values)
    mapped(shop, "customers", 1)
    monkeypatch.setattr(accounting, "exact_point", at_rest)
    monkeypatch.setattr(verifying, "exact_point", at_rest)
    return shop
