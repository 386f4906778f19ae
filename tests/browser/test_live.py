"""The page of a pipeline that runs: a shop with a row that does not fit, one without its parent, and a slow target."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.commands import command, running, wait_for
from tests.browser.conftest import PATIENCE_MS, Look, Picture
from tests.browser.hand_made import HOSTILE
from tests.shop import Shop

ADDRESS = re.compile(r"the page: (http://127\.0\.0\.1:\d+/)#token=(\S+)")
LATE = re.compile(r"^([2-9]|\d\d)(\.\d)?s$")
DEADLINE_MS = 60_000.0


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """One customer whose name is markup does not fit, one order waits for a customer that does not exist."""
    shop = empty_shop
    shop.target("ALTER TABLE shop.customers ADD CONSTRAINT no_markup CHECK (name NOT LIKE '<%')")
    shop.source("INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02 12:00')")
    shop.source("INSERT INTO orders VALUES (4, 99, 0, 100, NULL), (5, 1, 0, 100, NULL)")
    shop.source("ALTER TABLE customers ALTER name TYPE varchar(200)")
    with psycopg.connect(shop.source_dsn, autocommit=True) as source:
        source.execute("INSERT INTO customers VALUES (2, %s, NULL, '2020-02-02 12:00')", [HOSTILE])
    return shop


@pytest.fixture
def served(shop: Shop, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The running pipeline's page, and its token."""
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder, "--ui", "--ui-port", "0"):
        wait_for("the page's address", lambda: ADDRESS.search(log.read_text()), log)
        found = ADDRESS.search(log.read_text())
        assert found is not None
        yield found[1], found[2]


def row(entity: str) -> str:
    """The selector of an entity's row."""
    return f"table.entities tr[data-key={entity}]"


def status_of(address: str, path: str, **headers: str) -> int:
    """What the server answers to a request with these headers."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", path, headers={"Host": urlsplit(address).netloc, **headers})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.long
def test_a_pipeline_that_runs_shows_its_lag_and_who_has_the_token_reaches_a_dead_letter_by_keyboard(
    shop: Shop, served: tuple[str, str], look: Look, picture: Picture
) -> None:
    address, token = served
    page = look(f"{address}#token={token}", scheme="dark", height=740)
    page.set_default_timeout(DEADLINE_MS)
    expect.set_options(timeout=DEADLINE_MS)
    assert "token" not in page.url
    expect(page.locator(row("orders"))).to_contain_text("tail")
    expect(page.locator(".problems")).to_contain_text("1 refused by 23514 no_markup")
    expect(page.locator(".problems")).to_contain_text("1 waits for customers")
    lag = page.locator(row("orders")).locator("td").nth(1)
    expect(lag).to_have_text(re.compile(r"^\d+\.\d+s$"))

    with psycopg.connect(shop.target_dsn) as target:  # Nobody gets into the target for a while.
        target.execute("LOCK TABLE shop.orders")
        shop.source("INSERT INTO orders VALUES (6, 1, 0, 100, NULL)")
        expect(lag).to_have_text(LATE)
    expect(lag).not_to_have_text(LATE)

    to_link(page, "customers")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("h1")).to_contain_text("customers")
    to_link(page, "2")
    expect(page.locator("h1")).to_contain_text("customers 2")
    expect(page.locator("dl.row").first).to_contain_text(HOSTILE)
    picture(page, "status-page-letter")
    to_link(page, "Its whole life")
    expect(page.locator("main")).to_contain_text("Events in Kafka (1)")
    assert page.locator("main script, main img").count() == 0
    assert "taken" not in page.title()
    rows_want_the_token(address, token, look)
    expect.set_options(timeout=PATIENCE_MS)


def to_link(page: Page, text: str) -> None:
    """Go to a link by the tabulator alone, and follow it."""
    expect(page.get_by_role("link", name=text, exact=True).first).to_be_visible()
    for _ in range(100):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "[document.activeElement.tagName, document.activeElement.textContent]"
        )
        if focused == ["A", text]:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"no link {text} by the tabulator")


def rows_want_the_token(address: str, token: str, look: Look) -> None:
    """Keys and values of rows are shown with it alone, and to nobody under another name."""
    page = look(f"{address}#/entity/customers")
    expect(page.get_by_text("dead letters by reason").first).to_be_attached()
    expect(page.get_by_label("Token").first).to_be_visible()
    assert page.get_by_role("link", name="2", exact=True).count() == 0
    rows = "/api/rows/waiting?kind=dead_letters&entity=customers"
    bearer = f"Bearer {token}"
    assert status_of(address, rows) == 401
    assert status_of(address, rows, Authorization="Bearer wrong") == 401
    assert status_of(address, rows, Authorization=bearer) == 200
    assert status_of(address, rows, Authorization=bearer, Host="evil.example") == 421
    assert status_of(address, "/", Host="evil.example") == 421
    assert status_of(address, "/", Origin="http://evil.example") == 403

    page.get_by_label("Token").first.fill(token)
    page.get_by_role("button", name="Show rows").first.click()
    expect(page.get_by_role("link", name="2", exact=True)).to_be_visible()


def test_an_address_that_others_reach_is_refused_without_token_and_tls(tmp_path: Path) -> None:
    ended = command("serve", tmp_path, "--address", "0.0.0.0")  # noqa: S104 - it is refused
    assert ended.returncode == 2
    assert "can be reached from other machines" in ended.stderr
    assert "--tls-cert" in ended.stderr
