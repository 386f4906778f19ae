"""What the page has done: with the token and a typed name alone, and only where it was allowed."""

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TOKEN, Look, Serve
from tests.browser.hand_made import HOSTILE, HandMade

LETTER = "#/letter/dead_letters/orders/4711"
ASKED = {
    "action": "retry",
    "confirm": "clinic",
    "entity": "orders",
    "key": None,
    "since_last": False,
}
# The command finds no server.
ENDS_MS = 20_000.0


def status(
    url: str,
    asked: object = ASKED,
    method: str = "POST",
    headers: Mapping[str, str | None] = MappingProxyType({}),
) -> int:
    """What the server answers to an action; None leaves a header out."""
    parts = urlsplit(url)
    default = {
        "Host": parts.netloc,
        "Origin": f"http://{parts.netloc}",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection(parts.netloc)
    found = {name: value for name, value in {**default, **headers}.items() if value is not None}
    connection.request(method, "/api/actions", json.dumps(asked), found)
    answered = connection.getresponse().status
    connection.close()
    return answered


def goto(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place }", place)


def test_a_dead_letter_is_tried_again_after_the_name_was_typed_and_the_outcome_is_shown(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    page = look(page_of(made, acts=True)[0])
    expect(page.get_by_role("link", name="Actions")).to_be_visible()
    goto(page, LETTER)
    form = page.locator("form.action")
    expect(form).to_contain_text("type the pipeline's name, clinic")
    form.get_by_role("textbox").fill("orders")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("Type clinic.")

    form.get_by_role("textbox").fill("clinic")
    form.get_by_role("textbox").press("Enter")
    expect(page.locator("h1")).to_have_text("Actions")
    expect(page.locator("h1")).to_be_focused()
    expect(page.get_by_role("status").first).to_contain_text(
        "It did not succeed: target (6).", timeout=ENDS_MS
    )
    expect(page.locator("code").first).to_contain_text("dead-letters retry")
    expect(page.locator("code").first).to_contain_text("--only=key=4711")
    expect(page.locator("pre")).to_contain_text("error: ")
    expect(page.locator("code").last).to_contain_text("understudy dead-letters list")


def test_what_runs_can_be_stopped(
    page_of: Serve, made: HandMade, look: Look, tmp_path: Path
) -> None:
    page = look(page_of(made, acts=True)[0])
    silent = socket.create_server(("127.0.0.1", 0))
    settings = tmp_path / "understudy.toml"
    settings.write_text(settings.read_text().replace(":1/", f":{silent.getsockname()[1]}/"))
    goto(page, "#/verification")
    form = page.locator("form.action")
    form.get_by_label("Only what has changed").check()
    form.get_by_role("textbox").fill("clinic")
    form.get_by_role("button", name="Verify").click()
    with silent, silent.accept()[0]:  # It waits for the server to say something.
        stop_it(page)
    expect(page.locator("code").first).to_contain_text("--since=last")


def stop_it(page: Page) -> None:
    stop = page.get_by_role("button", name="Stop it")
    expect(stop).to_be_visible()
    page.get_by_role("textbox").fill("clinic")
    stop.click()
    expect(page.get_by_role("status").first).to_contain_text("Stopped.", timeout=ENDS_MS)


def test_a_page_that_was_not_allowed_to_act_changes_nothing(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    url = page_of(made)[0]
    page = look(url)
    for place in (LETTER, "#/verification", "#/cutover"):
        goto(page, place)
        expect(page.locator("h1")).not_to_be_empty()
        expect(page.locator("form.action")).to_have_count(0)
    assert page.get_by_role("link", name="Actions").count() == 0
    goto(page, "#/actions")
    expect(page.locator("main")).to_contain_text("understudy serve --actions")
    assert status(url) == 405


def test_without_the_token_there_are_no_actions(page_of: Serve, made: HandMade, look: Look) -> None:
    url = page_of(made, acts=True)[0]
    page = look(url.partition("#")[0])
    expect(page.locator("table.entities tbody tr").first).to_be_visible()
    assert page.get_by_role("link", name="Actions").count() == 0
    goto(page, "#/cutover")
    expect(page.locator("h1")).to_have_text("Cutover")
    assert page.locator("form.action").count() == 0
    goto(page, "#/actions")
    expect(page.get_by_label("Token")).to_be_visible()
    assert status(url, headers={"Authorization": None}) == 401
    assert status(url, headers={"Authorization": "Bearer wrong"}) == 401
    assert status(url, method="GET", headers={"Authorization": None}) == 401


@pytest.mark.parametrize(
    ("header", "value", "refused"),
    [
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", None, 403),
        ("Host", "evil.example", 421),
        ("Content-Type", "text/plain", 415),
        ("Content-Type", None, 415),
        ("Content-Length", "99999", 413),
    ],
)
def test_what_another_page_could_send_is_refused(
    header: str, value: str | None, refused: int, page_of: Serve, made: HandMade
) -> None:
    url = page_of(made, acts=True)[0]
    assert status(url, headers={header: value}) == refused
    assert status(url, method="DELETE") == 405


@pytest.mark.parametrize(
    "asked",
    [
        ASKED | {"confirm": ""},
        ASKED | {"confirm": "Clinic"},
        ASKED | {"entity": "--all"},
        ASKED | {"action": "drop"},
        ASKED | {"key": "4\u0000"},
        ASKED | {"folder": "/elsewhere"},
        ASKED | {"action": "stop"},
        "retry",
    ],
)
def test_what_is_no_action_or_not_confirmed_is_refused(
    asked: object, page_of: Serve, made: HandMade
) -> None:
    assert status(page_of(made, acts=True)[0], asked) == 400


def test_one_action_runs_at_a_time(page_of: Serve, made: HandMade) -> None:
    url = page_of(made, acts=True)[0]
    assert status(url) == 200
    assert status(url) == 409
    assert status(url, ASKED | {"action": "stop"}) == 200


def test_verification_and_cutover_are_shown_as_they_are_kept(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    page = look(page_of(made, acts=True)[0])
    goto(page, "#/verification")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("8,911")
    expect(rows.nth(1)).to_contain_text("3")
    goto(page, "#/cutover")
    expect(page.locator(".verdict")).to_contain_text("State: prepared.")
    expect(page.locator("main")).to_contain_text(HOSTILE)  # Why it was signed off.
    page.locator("summary").first.click()
    looks = made.looks
    while made.looks < looks + 3:
        page.wait_for_timeout(50)
    expect(page.locator("details pre")).to_be_visible()  # What was unfolded stays so.
    expect(page.locator("details pre")).to_contain_text("onerror")
    expect(page.get_by_role("button", name="Begin the cutover")).to_be_visible()
    expect(page.get_by_role("button", name="Abort the cutover")).to_be_visible()
    assert page.locator("main script, main img").count() == 0
    assert "taken" not in page.title()
