"""The clinic is cut over under its live writer; the independent checker compares both sides afterwards."""

import json

import pytest

from examples.clinic.load import FOUNDATION
from examples.clinic.writer import Writer
from schemas.errors import SourceError
from tests.acceptance.commands import command
from tests.acceptance.signing import signed_off
from tests.beside import beside
from tests.fix_pipeline import Pipeline

PAUSE_S_MAX = 10.0  # On a machine that does other things too; alone it is under 3 s.
TRIES = 5


@pytest.mark.long
def test_nothing_that_the_source_accepted_is_missing_on_the_target(clinic: Pipeline) -> None:
    clinic.start("run")
    clinic.wait_for("the tail", clinic.in_tail)
    writer = Writer(clinic.at.source_dsn, seed=7, rate=20.0, domains=(FOUNDATION,))
    with beside(writer.run) as (writing,):
        verified = command("verify", clinic.folder)
        assert verified.returncode == 0, verified.stderr
        words = ("--confirm", clinic.name, *signed_off(clinic))
        begun = verified
        for _ in range(TRIES):  # The lag may be too long for a moment.
            begun = command("cutover", "begin", clinic.folder, *words)
            if begun.returncode != 7:
                break
        assert begun.returncode == 0, begun.stderr
    with pytest.raises(SourceError, match="is closed to writes"):
        writing.result()
    assert writer.counts.total() > 0
    assert clinic.problems() == []
    found = json.loads(command("cutover", "status", clinic.folder, "-o", "json").stdout)
    assert (found["state"], found["pause_s"] < PAUSE_S_MAX) == ("switched", True), found["pause_s"]
