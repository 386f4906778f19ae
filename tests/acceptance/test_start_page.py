"""ops/docs/start.md, block by block, as a reader would paste it into one bash."""

import os
import sysconfig
from pathlib import Path

import pytest

from ops.stack import postgres
from ops.stack.state import Endpoints
from tests.acceptance.pages import blocks, pasted
from tests.unknown import ALL, Unknown, run

PACKAGES = Path(sysconfig.get_path("purelib"))
# The commands of the installed project, and psql as it comes with the embedded servers.
PROGRAMS = (sysconfig.get_path("scripts"), str(PACKAGES / postgres.PROGRAMS))


@pytest.mark.long
@pytest.mark.parametrize("unknown", ALL, ids=lambda unknown: unknown.name)
def test_every_step_of_the_page_does_what_it_says(
    unknown: Unknown, endpoints: Endpoints, prefix: str, tmp_path: Path
) -> None:
    at = endpoints
    unknown.make(at.source_dsn)
    if unknown.repair:
        run(at.source_dsn, unknown.repair)
    pasted(
        blocks("ops", "docs", "start.md"),
        legacy=at.source_dsn,
        target=at.target_dsn,
        folder=str(tmp_path / prefix),
        UNDERSTUDY_KAFKA__BOOTSTRAP=at.bootstrap,
        UNDERSTUDY_REGISTRY__URL=at.registry_url,
        PATH=os.pathsep.join([*PROGRAMS, os.environ["PATH"]]),
    )
    assert unknown.differences(at.source_dsn, at.target_dsn, prefix) == []
