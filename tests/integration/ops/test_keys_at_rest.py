"""Keys whose text has more than one spelling, in the account, the verification and the totals."""

from collections.abc import Callable

import psycopg
import pytest

from tests.integration.ops.conftest import Ended
from tests.integration.ops.still import row_id
from tests.shop import Shop

Command = Callable[..., Ended]
# The type of the key, its value, the legacy key, and the value of the row that stays behind.
KEYS = {
    "char(n)": ("char(6)", "ab", "ab", "cd"),
    "boolean": ("boolean", "true", "true", "false"),
    "numeric": ("numeric(8, 2)", "1.50", "1.5", "2"),
}
MAPPED = """
INSERT INTO understudy.migration_mappings
    (generation, entity, source, legacy_key, id, state, epoch, commit_lsn, ordinal, spec_version)
VALUES (1, 'orders', 'public.orders', %s, %s, 'l', 1, 1, 0, 1)"""
WAITING = """
INSERT INTO understudy.waiting (entity, source, legacy_key, id, epoch, commit_lsn, ordinal, deleted, reason, error)
VALUES ('orders', 'public.orders', %s, %s, 1, 1, 0, false, 'rule', 'unknown')"""


@pytest.mark.parametrize("spelled", KEYS.values(), ids=KEYS.keys())
@pytest.mark.parametrize("command", ["account", "verify"])
def test_a_row_and_one_that_waits_are_known_by_their_keys(
    command: str, spelled: tuple[str, str, str, str], still: Shop, understudy: Command
) -> None:
    kind, value, key, other = spelled
    still.source(f"ALTER TABLE orders ALTER id TYPE {kind} USING NULL, ALTER status TYPE char(3)")
    still.edit("entities/orders.toml", '0 = "open", 1 = "paid"', '"A  " = "open", B = "paid"')
    still.edit("entities/orders.toml", "status < 10", "status <> 'X'")
    still.edit("entities/orders.toml", "where", 'totals_by = ["status"]\nwhere')
    with psycopg.connect(still.source_dsn) as source:
        rows = "INSERT INTO orders VALUES (%s, 1, 'A', 100, NULL), (%s, 1, 'Q', 250, NULL)"
        source.execute(rows, [value, other])
    with psycopg.connect(still.target_dsn) as target:
        target.execute(
            "INSERT INTO shop.orders VALUES (%s, %s, 'open', 1)",
            [row_id("orders", key), row_id("customers", 1)],
        )
        target.execute(MAPPED, [key, row_id("orders", key)])
        target.execute(WAITING, [other, row_id("orders", other)])
    ended = understudy(command, still.folder, "--output", "json")
    found = next(e for e in ended.document["entities"] if e["entity"] == "orders")
    assert ended.code == 0, found
    assert [(t["group"], t["source"], t["target"]) for t in found["totals"]] == [
        (None, "1.00", "1.00"),
        ("open", "1.00", "1.00"),
    ]
