"""ops/docs/start.md, block by block, as a reader would paste it into one bash."""

import os
import re
import signal
import subprocess
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from ops.stack import postgres
from ops.stack.state import Endpoints
from tests.unknown import ALL, Unknown, run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ops" / "docs" / "start.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PACKAGES = Path(sysconfig.get_path("purelib"))
# The commands of the installed project, and psql as it comes with the embedded servers.
PROGRAMS = (sysconfig.get_path("scripts"), str(PACKAGES / postgres.PROGRAMS))
DEADLINE_S = 300.0


@pytest.fixture
def at(stack: Endpoints, source_database: str, target_database: str) -> Endpoints:
    return replace(stack, source_dsn=source_database, target_dsn=target_database)


@pytest.mark.long
@pytest.mark.parametrize("unknown", ALL, ids=lambda unknown: unknown.name)
def test_every_step_of_the_page_does_what_it_says(
    unknown: Unknown, at: Endpoints, prefix: str, tmp_path: Path
) -> None:
    unknown.make(at.source_dsn)
    if unknown.repair:
        run(at.source_dsn, unknown.repair)
    pasted(at, tmp_path / prefix)
    assert unknown.differences(at.source_dsn, at.target_dsn, prefix) == []


def pasted(at: Endpoints, folder: Path) -> None:
    """Run all blocks; the first one that fails is shown."""
    others = {name: value for name, value in os.environ.items() if "UNDERSTUDY" not in name}
    named = {
        "legacy": at.source_dsn,
        "target": at.target_dsn,
        "folder": str(folder),
        "UNDERSTUDY_KAFKA__BOOTSTRAP": at.bootstrap,
        "UNDERSTUDY_REGISTRY__URL": at.registry_url,
        "PATH": os.pathsep.join([*PROGRAMS, others["PATH"]]),
    }
    process = subprocess.Popen(
        ["/usr/bin/env", "bash", "-xc", "set -euo pipefail\n" + "\n".join(BLOCKS)],
        cwd=ROOT,
        env=others | named,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    log = folder / "run.log"
    assert process.returncode == 0, said + (log.read_text() if log.exists() else "")
