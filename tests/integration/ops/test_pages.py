"""The commands that README and docs name exist, and every page that they link to is there."""

import os
import re
from pathlib import Path

import pytest

from tests.here import command_here

TOP = Path(__file__).parents[3]
PAGES = [
    TOP / "README.md",
    *TOP.glob("*/README.md"),
    *(TOP / "ops" / "docs").glob("*.md"),
    *(TOP / "examples" / "clinic").glob("*.md"),
]
TEXT = "\n".join(page.read_text() for page in PAGES)
COMMANDS = sorted(set(re.findall(r"`understudy ([a-z-]+)", TEXT)) - {"on"})
SCRIPTS = sorted(set(re.findall(r"ops/bin/[a-z]+", TEXT)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_the_pages_name_explains_itself(command: str) -> None:
    shown = command_here(command, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: understudy" in shown.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_the_pages_name_can_be_run(script: str) -> None:
    assert os.access(TOP / script, os.X_OK)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_a_page_links_to_pages_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
