"""examples/clinic/QUICKSTART.md, block by block, as a reader would paste it into one bash."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack import stack
from ops.stack.state import temporary_home

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "examples" / "clinic" / "QUICKSTART.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
MARK = "=== block"
DEADLINE_S = 900.0


@pytest.fixture
def home() -> Iterator[Path]:
    """A stack's home of its own; whatever the page leaves running is stopped."""
    folder = temporary_home("test")
    yield folder
    stack.down(folder)
    shutil.rmtree(folder)


@pytest.mark.long
def test_every_step_of_the_quickstart_does_what_it_says(home: Path, tmp_path: Path) -> None:
    said = pasted(home, tmp_path)
    assert len(said) == len(BLOCKS)
    before, after = (
        line for text in said for line in text.splitlines() if "; unaccounted " in line
    )
    for account in (before, after):
        assert account.endswith("unaccounted 0")
    assert "+ 0 dead letters + 0 parked" not in before
    assert "+ 0 dead letters + 0 parked" in after


def pasted(home: Path, folder: Path) -> list[str]:
    """What each block writes to stdout; the first one that fails is the last one that was begun."""
    script = "set -euo pipefail\n" + "\n".join(f"echo '{MARK}'\n{block}" for block in BLOCKS)
    others = {name: value for name, value in os.environ.items() if "UNDERSTUDY" not in name}
    process = subprocess.Popen(
        ["/usr/bin/env", "bash", "-c", script],
        cwd=ROOT,
        env={**others, "UNDERSTUDY_STACK_HOME": str(home), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    said = out.split(f"{MARK}\n")[1:]
    assert process.returncode == 0, f"{BLOCKS[len(said) - 1]}\n{out}\n{err}"
    return said
