"""A small migration on real servers, and the command as its user meets it."""

import json
import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ops.cli.main import main
from ops.stack import postgres, process
from ops.stack.part import wait_until_ready
from ops.stack.state import Endpoints, dsn, free_port
from tests.fix_stack import temporary_home

SOURCE = """
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(80) NOT NULL, born date, created timestamp NOT NULL);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id integer NOT NULL, status smallint NOT NULL, cents integer NOT NULL, code uuid
);
"""
TARGET = """
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
CREATE TABLE shop.customers (
    id uuid PRIMARY KEY, name text NOT NULL, born date, created_at timestamptz NOT NULL, country char(2)
);
CREATE TABLE shop.orders (
    id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES shop.customers, status shop.state NOT NULL,
    total numeric(12, 2) NOT NULL, code uuid
);
"""
CUSTOMERS = """
source = "public.customers"
target = "shop.customers"
[columns]
id         = { uuid = true }
name       = "name"
born       = "born"
created_at = { from = "created", timezone = "Europe/Vienna" }
country    = { constant = "AT" }
"""
ORDERS = """
source = "public.orders"
target = "shop.orders"
where  = "cents >= 0"
[columns]
id          = { uuid = true }
customer_id = { ref = "customers", from = "customer_id", missing = "park" }
status      = { from = "status", values = { 0 = "open", 1 = "paid" } }
total       = { sql = "cents::numeric / 100" }
code        = "code"
[expect]
status = "status < 10"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = json.loads(self.out)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A migration folder with its two databases."""

    folder: Path
    source_dsn: str
    target_dsn: str

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def source(self, statements: str) -> None:
        with psycopg.connect(self.source_dsn, autocommit=True) as connection:
            connection.execute(statements.encode())

    def target(self, statements: str) -> None:
        with psycopg.connect(self.target_dsn, autocommit=True) as connection:
            connection.execute(statements.encode())


@pytest.fixture
def shop(
    tmp_path: Path, source_database: str, target_database: str, prefix: str, stack: Endpoints
) -> Shop:
    (tmp_path / "entities").mkdir()
    (tmp_path / "entities" / "customers.toml").write_text(CUSTOMERS)
    (tmp_path / "entities" / "orders.toml").write_text(ORDERS)
    (tmp_path / "understudy.toml").write_text(f"""
pipeline  = "{prefix}"
namespace = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
source    = {{ dsn = "{source_database}" }}
target    = {{ dsn = "{target_database}" }}
kafka     = {{ bootstrap = "{stack.bootstrap}" }}
registry  = {{ url = "{stack.registry_url}" }}
""")
    shop = Shop(folder=tmp_path, source_dsn=source_database, target_dsn=target_database)
    shop.source(SOURCE)
    shop.target(TARGET)
    return shop


@pytest.fixture
def understudy(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The command in this process: the whole of it but the start of the interpreter."""

    def call(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["understudy", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capfd.readouterr()
        logging.getLogger().handlers = []  # It writes to what stderr was in this test.
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code=code, out=shown.out, err=shown.err)

    return call


@pytest.fixture(scope="module")
def plain_server() -> Iterator[str]:
    """The DSN of a server as it comes out of the box: wal_level = replica, one slot, passwords for one role."""
    home = temporary_home()
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
