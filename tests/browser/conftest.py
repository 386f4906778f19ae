"""A real Chromium, and pages to look at with it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from ops.serve.access import Access, Place
from ops.serve.actions import Actions
from ops.serve.app import application
from ops.serve.lookout import Lookout
from ops.serve.server import address, listening, running
from ops.stack.state import Endpoints
from ops.wiring import read
from tests.browser.hand_made import NOWHERE, HandMade, Told, write_folder

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - of a page that lives for a test
INTERVAL_S = 0.3
PATIENCE_MS = 15_000.0  # Of a browser beside whole pipelines.
IMAGES = Path(__file__).parents[2] / "ops" / "docs" / "images"
# Set, the pictures of the docs are made anew; else they go with the test.
PICTURES = "UNDERSTUDY_TEST_PICTURES"

Look = Callable[..., Page]
Picture = Callable[[Page, str], None]


class Serve(Protocol):
    """Serves hand-made figures."""

    def __call__(self, made: HandMade, *, acts: bool = False) -> tuple[str, Lookout]: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of the system; one for all tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium, as .ci/run does")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium: Browser) -> Iterator[Look]:
    """Opens pages, each as somebody of its own; they may ask nobody but the page's server, and say nothing."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    said: list[str] = []

    def open_page(url: str, width: int = 1280, height: int = 900, scheme: str = "light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        own = url.partition("#")[0]
        page.on("request", lambda one: None if one.url.startswith(own) else asked.append(one.url))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked == []
    assert said == []


@pytest.fixture
def made() -> HandMade:
    """Sixty entities, some in trouble."""
    return HandMade()


@pytest.fixture
def page_of(tmp_path: Path) -> Iterator[Serve]:
    """Serves hand-made figures, with actions if wanted; its address with the token, and who looks for it."""
    at = Endpoints(
        source_dsn=NOWHERE, target_dsn=NOWHERE, bootstrap="127.0.0.1:1", registry_url="http://[::]"
    )
    with ExitStack() as stack:

        def serve(made: HandMade, *, acts: bool = False) -> tuple[str, Lookout]:
            place = Place()
            listener, port = stack.enter_context(listening(place))
            lookout = Lookout(made, INTERVAL_S)
            migration = read(write_folder(tmp_path))
            actions = stack.enter_context(closing(Actions(migration))) if acts else None
            access = Access.of(place, port, TOKEN, acts=acts)
            app = application(lookout, Told(migration, at), access, actions)
            stack.enter_context(running(app, place, listener, lookout))
            return f"{address(place, port)}#token={TOKEN}", lookout

        yield serve


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """Takes a picture, of the docs if the environment says so."""
    folder = IMAGES if PICTURES in os.environ else tmp_path

    def take(page: Page, name: str) -> None:
        page.wait_for_timeout(300)  # The charts are drawn after the rest.
        page.screenshot(path=folder / f"{name}.png")

    return take
