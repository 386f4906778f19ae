"""examples/clinic/QUICKSTART.md, block by block, as a reader would paste it into one bash."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack import stack
from ops.stack.state import temporary_home
from tests.acceptance.pages import blocks, pasted


@pytest.fixture
def home() -> Iterator[Path]:
    """A stack's home of its own; whatever the page leaves running is stopped."""
    folder = temporary_home("test")
    yield folder
    stack.down(folder)
    shutil.rmtree(folder)


@pytest.mark.long
def test_every_step_of_the_quickstart_does_what_it_says(home: Path, tmp_path: Path) -> None:
    page = blocks("examples", "clinic", "QUICKSTART.md")
    said = pasted(page, UNDERSTUDY_STACK_HOME=str(home), TMPDIR=str(tmp_path))
    before, after = (
        line for text in said for line in text.splitlines() if "; unaccounted " in line
    )
    for account in (before, after):
        assert account.endswith("unaccounted 0")
    assert "+ 0 dead letters + 0 parked" not in before
    assert "+ 0 dead letters + 0 parked" in after
