"""The clinic keeps its promises: what is blemished depends on the scale alone, and the writer leaves it alone."""

import threading
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import psycopg
from psycopg import sql

from examples.clinic.changes import MODULES, weights
from examples.clinic.load import create_source, figures
from examples.clinic.writer import MANNERS, Writer
from tests.checker.database import snapshot
from tests.checker.entities import CLINIC
from tests.checker.expected import DEAD, EXCLUDED, PARKED, expect
from tests.integration.checker.ideal import NAMESPACE

SCALE = 0.02
# A kind of transaction is drawn so many times on average, if it is the rarest; the seed is always the same.
DRAWN = 6
# What becomes of which blemishes of figures.toml. Of a domain that is not there yet nothing is expected.
BLEMISHES = (
    ("profiles", EXCLUDED, "profiles.deleted"),
    ("orders", PARKED, "orders.unknown_doctor"),
    ("orders", DEAD, "orders.unknown_status"),
    ("orders", DEAD, "orders.negative_total"),
    ("jaws", PARKED, "jaws.deleted_patient"),
    ("projects", PARKED, "projects.deleted_patient"),
    # clinical
    ("prescriptions", EXCLUDED, "prescriptions.cancelled"),
    ("medical_history", DEAD, "medical_history.dst_gap"),
    ("allergies", PARKED, "allergies.duplicate"),
    ("treatments", PARKED, "treatments.unknown_doctor"),
    ("order_status_history", PARKED, "order_status_history.unknown_order"),
    ("order_status_history", DEAD, "order_status_history.unknown_code"),
    ("measurements", DEAD, "measurements.words"),
    ("plan_steps", PARKED, "plan_steps.deleted_plan"),
    # business
    ("product_prices", EXCLUDED, "product_prices.future"),
    ("discounts", PARKED, "discounts.duplicate_code"),
    ("invoices", PARKED, "invoices.deleted_patient"),
    ("stock_movements", PARKED, "stock_movements.unknown_item"),
    ("ledger_entries", DEAD, "ledger_entries.words"),
    ("offers", DEAD, "offers.dst_gap"),
    # communications
    ("messages", EXCLUDED, "messages.deleted"),
    ("messages", PARKED, "messages.unknown_thread"),
    ("comments", PARKED, "comments.unknown_parent"),
    ("reviews", DEAD, "reviews.words"),
    ("notifications", DEAD, "notifications.dst_gap"),
    ("feedback", DEAD, "feedback.unknown_code"),
    ("alerts", DEAD, "alerts.blank_text"),
    # technical
    ("settings", EXCLUDED, "settings.obsolete"),
    ("app_log", EXCLUDED, "app_log.debug"),
    ("cases", DEAD, "cases.empty_title"),
    ("tasks", PARKED, "tasks.unknown_case"),
    ("tasks", DEAD, "tasks.words"),
    ("tasks", DEAD, "tasks.unknown_state"),
    ("tasks", DEAD, "tasks.dst_gap"),
    ("files", PARKED, "files.duplicate_key"),
    ("attachments", PARKED, "attachments.unknown_file"),
    ("images", DEAD, "images.bad_checksum"),
)

LeftOver = Counter[tuple[str, str]]


def _promised(scale: float, changed: Mapping[str, int] = MappingProxyType({})) -> LeftOver:
    """How many rows stay behind, by entity and fate."""
    number = figures(scale, changed)
    counts: LeftOver = Counter()
    for entity, fate, blemish in BLEMISHES:
        counts[entity, fate] += number[f"blemishes.{blemish}"]
    # Plans go round the projects; those of the first few are parked with them.
    rounds, rest = divmod(number["rows.treatment_plans"], number["rows.projects"])
    parked = number["blemishes.projects.deleted_patient"]
    counts["treatment_plans", PARKED] = rounds * parked + min(rest, parked)
    present = {entity.name for entity in CLINIC}
    return Counter({place: rows for place, rows in counts.items() if place[0] in present})


def _left_over(dsn: str) -> LeftOver:
    with snapshot(dsn) as source:
        expected = expect(source, CLINIC, NAMESPACE)
    counts = {
        (name, fate): len(rows.keys(fate))
        for name, rows in expected.items()
        for fate in (PARKED, DEAD, EXCLUDED)
    }
    return Counter({place: rows for place, rows in counts.items() if rows})


def _but_excluded(counts: LeftOver) -> LeftOver:
    """Without the rows that rules leave behind: the writer lets some come and go."""
    return Counter({place: rows for place, rows in counts.items() if place[1] != EXCLUDED})


def _everything(dsn: str) -> dict[str, object]:
    """A hash of all rows, by table."""
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    query = sql.SQL(r"SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM {} AS t")
    with psycopg.connect(dsn) as source:
        return {
            name: source.execute(query.format(sql.Identifier(name))).fetchone()
            for (name,) in source.execute(tables).fetchall()
        }


def test_another_seed_gives_other_rows_with_the_same_blemishes(
    source_database: str, target_database: str
) -> None:
    assert create_source(source_database, SCALE, 1) == create_source(target_database, SCALE, 2)
    assert _everything(source_database) != _everything(target_database)
    assert _left_over(source_database) == _left_over(target_database) == _promised(SCALE)


def test_other_figures_give_other_counts(source_database: str) -> None:
    changed = {
        "blemishes.orders.unknown_status": 900,
        "blemishes.tasks.words": 50,
        "rows.reviews": 5000,
    }
    counts = create_source(source_database, SCALE, 4, changed=changed)
    assert counts["reviews"] == figures(SCALE, changed)["rows.reviews"] == 100
    assert _left_over(source_database) == _promised(SCALE, changed) != _promised(SCALE)


def test_the_same_seed_gives_the_same_rows_and_the_same_transactions(
    source_database: str, target_database: str
) -> None:
    for dsn in (source_database, target_database):
        create_source(dsn, SCALE, 7)
        _write(dsn, seed=7, transactions=150)
    assert _everything(source_database) == _everything(target_database)


def test_the_writer_does_every_kind_and_leaves_the_blemishes_alone(source_database: str) -> None:
    create_source(source_database, SCALE, 3)
    changes = weights(tuple(MODULES))
    often = DRAWN * sum(changes.values()) // min(changes.values())
    counts = _write(source_database, seed=3, transactions=often)
    kinds = {kind.__name__ for kind in (*changes, *MANNERS)}
    assert kinds - set(counts) == {"committed"}
    assert _but_excluded(_left_over(source_database)) == _but_excluded(_promised(SCALE))


def _write(dsn: str, *, seed: int, transactions: int) -> Counter[str]:
    writer = Writer(dsn, seed=seed, rate=10_000)
    return writer.run(threading.Event(), transactions=transactions)
