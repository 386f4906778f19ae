"""A page of the documents, block by block, as a reader would paste it into one bash."""

import os
import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = "=== block"
DEADLINE_S = 900.0


def blocks(*page: str) -> list[str]:
    """The commands of a page, by its place below the project's folder."""
    text = ROOT.joinpath(*page).read_text()
    return re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def pasted(commands: list[str], **environment: str) -> list[str]:
    """Run blocks, with these variables and none of the machine's for understudy.

    Returns:
        What each has written to stdout. The first one that fails is shown, and is the last one that was begun.
    """
    script = "set -euo pipefail\n" + "\n".join(f"echo '{MARK}'\n{block}" for block in commands)
    others = {name: value for name, value in os.environ.items() if "UNDERSTUDY" not in name}
    process = subprocess.Popen(
        ["/usr/bin/env", "bash", "-c", script],
        cwd=ROOT,
        env=others | environment,
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
    assert process.returncode == 0, f"{commands[len(said) - 1]}\n{out}\n{err}"
    assert len(said) == len(commands)
    return said
