"""Every row of the clinic's 55 tables is written back by the inverse of its rules, and both sides still agree."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.clinic.load import FOLDER as CLINIC
from ops import databases, wiring
from ops.cutover import reverse, reverse_check
from ops.preflight.findings import Severity
from ops.stack.state import Endpoints
from tests.acceptance.test_reverse import await_way_back, run, switch
from tests.checker.check import check
from tests.fix_pipeline import NAMESPACE, Pipeline, create_clinic, pipeline_of

SCALE = 0.003


@pytest.fixture
def whole_clinic(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Pipeline]:
    """All domains of the clinic; nothing runs yet."""
    create_clinic(tmp_path / "clinic", endpoints, scale=SCALE)
    for pipeline in pipeline_of(tmp_path / "clinic", prefix, endpoints):
        yield pipeline
        reverse.drop(wiring.read(pipeline.folder), endpoints)


@pytest.mark.parametrize("mended", [False, True])
def test_every_column_of_the_clinic_has_a_way_back(whole_clinic: Pipeline, *, mended: bool) -> None:
    entities = whole_clinic.folder / "entities"
    for file in (CLINIC / "repaired").glob("*.toml") if mended else ():
        shutil.copy(file, next(entities.rglob(file.name)))
    with (
        databases.source(whole_clinic.at.source_dsn, "test") as source,
        databases.target(whole_clinic.at.target_dsn, "test") as target,
    ):
        found = reverse_check.refusals(wiring.read(whole_clinic.folder), source, target)
    assert [f.what for f in found if f.severity is Severity.ERROR] == []


@pytest.mark.long
def test_every_row_of_the_clinic_is_what_it_was_once_it_is_written_back(
    whole_clinic: Pipeline,
) -> None:
    at = whole_clinic.at
    forward = whole_clinic.start("run")
    whole_clinic.wait_for("the tail", whole_clinic.in_tail)
    whole_clinic.drain()
    whole_clinic.wait_for("an equal target", lambda: not problems(at))
    switch(whole_clinic)
    whole_clinic.stop(forward)
    back = whole_clinic.start("reverse")
    migration = wiring.read(whole_clinic.folder)
    tables = sorted({str(entity.target) for entity in migration.entities.values()})
    run(at.target_dsn, *(f"UPDATE {table} SET id = id" for table in tables))  # noqa: S608
    await_way_back(whole_clinic)
    whole_clinic.stop(back)
    assert problems(at) == []


def problems(at: Endpoints) -> list[str]:
    """What the independent checker says of legacy rows and what the target has of them."""
    return [str(problem) for problem in check(at.source_dsn, at.target_dsn, NAMESPACE).problems]
