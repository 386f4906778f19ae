"""ops/docs as a site: every page is in it, every link leads somewhere, and it needs nobody's server."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src"}


class Loaded(HTMLParser):
    """What a page has the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if told.get("rel") not in {"canonical", "prev", "next"}:
            self.addresses.append(told.get(LOADS.get(tag, ""), "") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ("--config-file", "ops/mkdocs.yml", "--site-dir", str(folder))
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", *words],
        cwd=TOP,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_every_page_is_in_the_site_and_no_link_is_dead(site: Path) -> None:
    pages = {page.stem for page in (TOP / "ops" / "docs").glob("*.md")} - {"README"}
    assert {page.stem for page in site.glob("*.html")} - {"index", "404"} == pages


def test_it_is_read_without_a_network(site: Path) -> None:
    loaded = Loaded()
    for page in site.glob("*.html"):
        loaded.feed(page.read_text())
    assert len(loaded.addresses) > 0
    assert [address for address in loaded.addresses if re.match(r"(https?:)?//", address)] == []


def test_a_dead_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text("[nowhere](nowhere.md)\n")
    text = (TOP / "ops" / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(text[: text.index("nav:")])
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", str(tmp_path / "mkdocs.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "nowhere.md" in made.stderr
