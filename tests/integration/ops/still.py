"""A shop that stands still: what the apply would have written is written by hand, and its exact point is now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from consumers.identity import Identity
from ops import databases
from ops.proof.exact_point import ExactPoint, begin
from ops.stack.state import Endpoints
from tests.shop import Shop

NAMESPACE = UUID("6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10")
MAP = """
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version, owed, original)
VALUES (1, %s, %s, %s, %s, 'l', 1, 1, 0, 1, %s, %s)"""
IMAGE = '{{"id":{key},"customer_id":1,"status":0,"cents":100,"code":null}}'


def row_id(entity: str, key: object) -> UUID:
    return UUID(Identity(NAMESPACE, entity).one(str(key)))


def mapped(
    shop: Shop, entity: str, key: object, *, owed: object = None, original: str | None = None
) -> None:
    """What the apply records of a row."""
    place = (entity, f"public.{entity}", str(key), row_id(entity, key))
    with psycopg.connect(shop.target_dsn) as target:
        target.execute(MAP, [*place, owed, original])


def order(shop: Shop, key: int, *, total: str = "1", original: str = IMAGE) -> None:
    """An order of the first customer, on both sides; in the target its total may be another."""
    with psycopg.connect(shop.source_dsn) as source:
        source.execute("INSERT INTO orders VALUES (%s, 1, 0, 100, NULL)", [key])
    values = (row_id("orders", key), row_id("customers", 1), "open", total)
    with psycopg.connect(shop.target_dsn) as target:
        target.execute("INSERT INTO shop.orders VALUES (%s, %s, %s, %s, NULL)", values)
    mapped(shop, "orders", key, original=original.format(key=key) if original else None)


@contextmanager
def at_rest(
    _migration: object, at: Endpoints, *_rest: object, **_how: object
) -> Iterator[ExactPoint]:
    """Both sides as they are."""
    with (
        databases.source(at.source_dsn, "test") as source,
        databases.target(at.target_dsn, "test") as target,
    ):
        begin(source)
        begin(target)
        now = datetime.now(UTC)
        yield ExactPoint(lsn=1, at=now, held_s=0.0, offsets={}, source=source, target=target)
