"""Entities that come later, and one that goes: on a pipeline that runs, and that goes on meanwhile."""

from pathlib import Path

import psutil
import pytest

from tests.acceptance.commands import command, phases, running, wait_for
from tests.shop import Shop

pytestmark = pytest.mark.long
REGIONS = """
source = "public.regions"
target = "shop.regions"
[columns]
id   = { uuid = true }
name = "name"
"""
NAMES = """
source = "public.customers"
target = "shop.names"
[columns]
id   = { uuid = true }
name = "name"
"""
OF_REGIONS = """
SELECT c.name, r.name FROM shop.customers c LEFT JOIN shop.regions r ON r.id = c.region_id ORDER BY 1"""
# Where each topic's records end.
APPLIED = (
    "SELECT topic, sum(next_offset) FROM understudy.checkpoints WHERE entity = 'orders' GROUP BY 1"
)


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """Customers have regions, which nobody migrates yet."""
    empty_shop.source("""
        CREATE TABLE regions (id int PRIMARY KEY, name text NOT NULL);
        ALTER TABLE customers ADD region int;
        INSERT INTO regions VALUES (1, 'North'), (2, 'South');
        INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02', 1), (2, 'Bob', NULL, '2020-02-02', 99);
        INSERT INTO orders SELECT n, 1, 0, 100, NULL FROM generate_series(1, 20) n""")
    empty_shop.target("""
        CREATE TABLE shop.regions (id uuid PRIMARY KEY, name text NOT NULL);
        CREATE TABLE shop.names (id uuid PRIMARY KEY, name text NOT NULL);
        ALTER TABLE shop.customers ADD region_id uuid REFERENCES shop.regions""")
    return empty_shop


def write_regions(shop: Shop) -> None:
    (shop.folder / "entities" / "regions.toml").write_text(REGIONS)
    shop.edit(
        "entities/customers.toml", "country ", 'region_id = { ref = "regions", from = "region" }\ncountry '
    )  # fmt: skip


def captures() -> set[int]:
    """The processes that capture."""
    found = set()
    for process in psutil.process_iter(["pid", "cmdline"]):
        if "produce" in (process.info["cmdline"] or ()):
            found.add(process.info["pid"])
    return found


def test_a_parent_is_added_and_the_rows_that_wait_for_it_go_in(shop: Shop, run: Path) -> None:
    before = shop.read(APPLIED)
    write_regions(shop)
    shop.source("INSERT INTO customers VALUES (3, 'Cyd', NULL, '2020-02-02', 2)")
    ended = command("add", shop.folder, "--entity", "regions")
    assert ended.returncode == 0, ended.stderr + run.read_text()
    wait_for("the tail", lambda: phases(shop) == ["tail"] * 3, run)
    shop.source("INSERT INTO customers VALUES (4, 'Dan', NULL, '2020-02-02', 98)")
    ended = command("reapply", shop.folder, "--entity", "customers")
    assert ended.returncode == 0, ended.stderr
    both = [("Ada", "North"), ("Cyd", "South")]
    wait_for("those with a region", lambda: shop.read(OF_REGIONS) == both, run)
    shop.source("INSERT INTO regions VALUES (98, 'East'), (99, 'West')")
    late = [("Ada", "North"), ("Bob", "West"), ("Cyd", "South"), ("Dan", "East")]
    wait_for("those that waited", lambda: shop.read(OF_REGIONS) == late, run)
    assert shop.read(APPLIED) == before  # No other table was read again.
    ended = command("verify", shop.folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    added = "SELECT subject FROM understudy.audit_log WHERE action = 'add'"
    assert shop.read(added) == [("regions",)]
    ended = command("add", shop.folder, "--entity", "regions")
    assert (ended.returncode, "already" in ended.stderr) == (2, True)


def test_a_second_entity_of_a_captured_table_reads_its_topic_from_the_beginning(
    shop: Shop, run: Path
) -> None:
    before = captures()
    shop.source("DELETE FROM orders WHERE customer_id = 2; DELETE FROM customers WHERE id = 2")
    (shop.folder / "entities" / "names.toml").write_text(NAMES)
    ended = command("add", shop.folder, "--entity", "names")
    assert ended.returncode == 0, ended.stderr + run.read_text()
    wait_for("the tail", lambda: phases(shop) == ["tail"] * 3, run)
    shop.source("INSERT INTO customers VALUES (3, 'Cyd', NULL, '2020-02-02', 2)")
    names = "SELECT name FROM shop.names ORDER BY 1"
    wait_for("all names", lambda: shop.read(names) == [("Ada",), ("Cyd",)], run)
    assert before & captures()  # It went on: all that is needed is in the topic.


def test_a_run_that_is_started_again_takes_up_a_new_entity_by_itself(
    shop: Shop, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail", "tail"], log)
        before = shop.read(APPLIED)
    write_regions(shop)
    ended = command("add", shop.folder, "--entity", "regions")
    assert (ended.returncode, "understudy run takes up" in ended.stderr) == (7, True)
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail"] * 3, log)
    assert shop.read("SELECT count(*) FROM shop.regions") == [(2,)]
    assert shop.read(APPLIED) == before


def test_an_entity_whose_file_is_gone_is_missed_by_every_part(shop: Shop, tmp_path: Path) -> None:
    log, file = tmp_path / "run.log", shop.folder / "entities" / "names.toml"
    file.write_text(NAMES)
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail"] * 3, log)
    file.unlink()
    for word in ("run", "consume"):
        ended = command(word, shop.folder)
        assert (ended.returncode, "entity=names" in ended.stderr) == (3, True), ended.stderr
    orders = shop.folder / "entities" / "orders.toml"
    file.write_text(NAMES)
    text = orders.read_text()
    orders.unlink()  # Nobody reads its table now.
    ended = command("produce", shop.folder)
    assert (ended.returncode, "no entity reads this table" in ended.stderr) == (3, True)
    orders.write_text(text)
    with running(log, "run", shop.folder):
        shop.source("INSERT INTO customers VALUES (3, 'Cyd', NULL, '2020-02-02', 2)")
        wait_for("the name", lambda: shop.read("SELECT count(*) FROM shop.names") == [(3,)], log)
