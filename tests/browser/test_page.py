"""The page itself, in a real browser, on figures that are known beforehand."""

import pytest
from playwright.sync_api import Page, expect

from ops.serve.history import POINTS_MAX
from ops.serve.lookout import Lookout
from tests.browser.conftest import INTERVAL_S, Look, Picture, Serve
from tests.browser.hand_made import ENTITIES, HOSTILE, HandMade
from tests.crowding import crowding

LOAD_MS_MAX = 200
LOADS_MAX = 20
# When the table of entities stands in the page, on the clock that begins with the load.
SHOWN = """
new MutationObserver((_changes, observer) => {
  if (document.querySelectorAll("table.entities tbody tr").length) {
    window.shownAt = performance.now();
    observer.disconnect();
  }
}).observe(document, { childList: true, subtree: true });
"""


def test_one_look_answers_where_we_are_what_is_wrong_and_what_comes_next(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    page = look(page_of(made)[0])
    expect(page.locator(".verdict")).to_contain_text("Something stands still: treatments")
    expect(page.locator(".verdict code")).to_have_text(
        "understudy resume migrations/clinic --entity treatments"
    )
    expect(page.locator(".stages [aria-current=step]")).to_contain_text("Cutover")
    expect(page.locator("table.entities tbody tr")).to_have_count(ENTITIES)
    first = page.locator("table.entities tbody tr").first
    expect(first).to_contain_text("treatments")
    problems = page.locator(".problems li")
    expect(problems).to_have_count(3)
    expect(problems.nth(1)).to_contain_text(
        "6 refused by 23514 orders_total_check; 2 refused by 22P02 status"
    )
    expect(problems.nth(1).locator("code")).to_contain_text("dead-letters list")
    expect(problems.nth(2)).to_contain_text("41 wait for orders")
    expect(page.locator("figure.lag figcaption")).to_contain_text("s")
    expect(page.locator("figure.wal figcaption")).to_contain_text("budget 8.0 GB")


def test_without_trouble_it_says_so_and_names_the_next_command(page_of: Serve, look: Look) -> None:
    page = look(page_of(HandMade(trouble=False))[0])
    expect(page.locator(".verdict.good")).to_contain_text("nothing seen here is in the way")
    expect(page.locator(".verdict code")).to_have_text("understudy cutover plan migrations/clinic")
    expect(page.get_by_text("Nothing to settle")).to_be_visible()


def test_markup_in_a_text_of_a_database_stays_a_text(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    made.why = HOSTILE
    page = look(page_of(made)[0])
    expect(page.locator(".problems li").first).to_contain_text(HOSTILE)
    assert "taken" not in page.title()
    assert page.locator("main script, main img").count() == 0


def test_the_browser_itself_refuses_to_make_markup_of_texts(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    page = look(page_of(made)[0])
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>x</b>'")


def test_the_keyboard_stays_where_it_is_while_figures_change(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    page = look(page_of(made)[0])
    link = page.locator("table.entities a", has_text="invoices_2022")
    link.focus()
    looks = made.looks
    while made.looks < looks + 3:
        page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.textContent") == "invoices_2022"


def test_a_phone_needs_no_sideways_scrolling(
    page_of: Serve, made: HandMade, look: Look, picture: Picture
) -> None:
    url, lookout = page_of(made)
    remember(lookout, made)
    page = look(url, width=390, height=844)
    expect(page.locator("table.entities tbody tr")).to_have_count(ENTITIES)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "status-page-phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_system_is_and_legible_in_both(
    scheme: str, page_of: Serve, made: HandMade, look: Look, picture: Picture
) -> None:
    url, lookout = page_of(made)
    remember(lookout, made)
    page = look(url, scheme=scheme, height=1000)
    expect(page.locator(".u-wrap").first).to_be_visible()
    assert contrast(page, ".quiet", "body") >= 4.5  # WCAG 2.2, 1.4.3.
    assert contrast(page, ".problems .mark.warn", ".problems ul") >= 4.5
    assert contrast(page, ".problems .mark.bad", ".problems ul") >= 4.5
    assert contrast(page, "table.entities a", "body") >= 4.5

    assert (luminance(page, "body", "backgroundColor") < 0.1) is (scheme == "dark")
    picture(page, f"status-page-{scheme}")


def test_nobody_looks_when_nobody_watches_and_one_looks_for_all(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    url, lookout = page_of(made)
    assert made.looks == 0
    pages = [look(url) for _ in range(2)]
    for page in pages:
        expect(page.locator("table.entities tbody tr")).to_have_count(ENTITIES)
    assert lookout.viewers == 2
    for page in pages[1:]:
        page.close()
    while lookout.viewers > 1:
        pages[0].wait_for_timeout(20)
    pages[0].goto("about:blank")
    while lookout.viewers:
        pages[0].wait_for_timeout(20)
    pages[0].wait_for_timeout(500)  # The look that was under way has ended.
    looks = made.looks
    pages[0].wait_for_timeout(3000 * INTERVAL_S)
    assert made.looks == looks


@pytest.mark.long
def test_sixty_entities_and_their_history_are_shown_within_a_fifth_of_a_second(
    page_of: Serve, made: HandMade, look: Look
) -> None:
    url, lookout = page_of(made)
    remember(lookout, made)
    page = look(url)
    page.add_init_script(SHOWN)
    shown: list[float] = []
    while not shown or (shown[-1] > LOAD_MS_MAX and len(shown) < LOADS_MAX):
        before = crowding()
        page.goto(url.partition("#")[0])
        page.wait_for_function("() => window.shownAt")
        shown.append(page.evaluate("window.shownAt") / min(before, crowding()))
    assert shown[-1] < LOAD_MS_MAX, shown


def remember(lookout: Lookout, made: HandMade) -> None:
    """As if somebody had looked for half an hour."""
    for _ in range(POINTS_MAX):
        lookout.history.take(made.look())


def luminance(page: Page, selector: str, property_: str) -> float:
    """Relative luminance of a colour as the browser computes it. Source: WCAG 2.2, "relative luminance"."""
    script = "(element, name) => getComputedStyle(element)[name].match(/[0-9.]+/g).map(Number)"
    channels = [value / 255 for value in page.locator(selector).first.evaluate(script, property_)]
    linear: list[float] = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels[:3]
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(page: Page, text: str, ground: str) -> float:
    """Of a text with what it stands on."""
    both = luminance(page, text, "color"), luminance(page, ground, "backgroundColor")
    return (max(both) + 0.05) / (min(both) + 0.05)
