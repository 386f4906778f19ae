"""A small migration of two tables, for tests of the commands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ops.stack.state import Endpoints

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
class Shop:
    """A migration folder with its two databases."""

    folder: Path
    pipeline: str
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

    def read(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the target."""
        with psycopg.connect(self.target_dsn) as connection:
            return connection.execute(query.encode()).fetchall()


def open_shop(folder: Path, pipeline: str, at: Endpoints) -> Shop:
    """Write the migration folder and create the tables in two empty databases."""
    (folder / "entities").mkdir()
    (folder / "entities" / "customers.toml").write_text(CUSTOMERS)
    (folder / "entities" / "orders.toml").write_text(ORDERS)
    (folder / "understudy.toml").write_text(f"""
pipeline     = "{pipeline}"
namespace    = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
heartbeat_ms = 200
source       = {{ dsn = "{at.source_dsn}" }}
target       = {{ dsn = "{at.target_dsn}" }}
kafka        = {{ bootstrap = "{at.bootstrap}" }}
registry     = {{ url = "{at.registry_url}" }}
""")
    shop = Shop(
        folder=folder, pipeline=pipeline, source_dsn=at.source_dsn, target_dsn=at.target_dsn
    )
    shop.source(SOURCE)
    shop.target(TARGET)
    return shop
