"""The clinic keeps its promises: what is blemished depends on the scale alone, and the writer leaves it alone."""

import threading
from collections import Counter

from examples.clinic.changes import MODULES, weights
from examples.clinic.load import create_source
from examples.clinic.writer import MANNERS, Writer
from tests.checker.database import read, snapshot
from tests.checker.entities import CLINIC
from tests.checker.expected import expect
from tests.integration.checker.ideal import NAMESPACE

SCALE = 0.02
LEFT_OVER = {  # (parked, dead letters) at this scale
    "orders": (4, 2),
    "jaws": (1, 0),
    "projects": (1, 0),
    "treatment_plans": (2, 0),
}


def _left_over(dsn: str) -> dict[str, tuple[int, int]]:
    with snapshot(dsn) as source:
        expected = expect(source, CLINIC, NAMESPACE)
    counts = {name: (len(rows.parked), len(rows.dead)) for name, rows in expected.items()}
    return {name: pair for name, pair in counts.items() if any(pair)}


def _everything(dsn: str) -> dict[str, object]:
    with snapshot(dsn) as source:
        return {
            name: read(source, query).rows
            for name, query in (
                ("patients", "SELECT * FROM patients ORDER BY id"),
                ("orders", "SELECT * FROM orders ORDER BY id"),
                ("jaws", "SELECT * FROM jaws ORDER BY patient_id, side"),
                ("treatment_plans", "SELECT * FROM treatment_plans ORDER BY id"),
            )
        }


def test_another_seed_gives_other_rows_with_the_same_blemishes(
    source_database: str, target_database: str
) -> None:
    assert create_source(source_database, SCALE, 1) == create_source(target_database, SCALE, 2)
    assert _everything(source_database) != _everything(target_database)
    assert _left_over(source_database) == _left_over(target_database) == LEFT_OVER


def test_the_same_seed_gives_the_same_rows_and_the_same_transactions(
    source_database: str, target_database: str
) -> None:
    for dsn in (source_database, target_database):
        create_source(dsn, SCALE, 7)
        _write(dsn, seed=7, transactions=150)
    assert _everything(source_database) == _everything(target_database)


def test_the_writer_does_every_kind_and_leaves_the_blemishes_alone(source_database: str) -> None:
    create_source(source_database, SCALE, 3)
    counts = _write(source_database, seed=3, transactions=1_200)
    kinds = {change.__name__ for change in weights(tuple(MODULES))} | {manner.__name__ for manner in MANNERS}
    assert kinds - set(counts) == {"committed"}
    assert _left_over(source_database) == LEFT_OVER


def _write(dsn: str, *, seed: int, transactions: int) -> Counter[str]:
    writer = Writer(dsn, seed=seed, rate=10_000)
    return writer.run(threading.Event(), transactions=transactions)
