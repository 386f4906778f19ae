"""What the commands are tried on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.commands import phases, running, wait_for
from tests.shop import Shop


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """Orders in two partitions: 1 to 20 fit, 21 has a status that nobody knows, 22 no customer, 23 is not wanted."""
    empty_shop.edit(
        "entities/orders.toml",
        "where",
        'partitions = 2\ntotals_by = ["status", "customer_id"]\nwhere',
    )
    empty_shop.source("""
        INSERT INTO customers SELECT n, 'Ada', NULL, '2020-02-02 12:00' FROM generate_series(1, 2) n;
        INSERT INTO orders SELECT n, 1 + n % 2, n % 2, 100 * n, NULL FROM generate_series(1, 20) n;
        INSERT INTO orders VALUES (21, 1, 7, 1, NULL), (22, 99, 0, 5, NULL), (23, 1, 0, -1, NULL);
    """)
    return empty_shop


@pytest.fixture
def run(shop: Shop, tmp_path: Path) -> Iterator[Path]:
    """The pipeline of the shop, in its tail; its log."""
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail", "tail"], log)
        yield log
