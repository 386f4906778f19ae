"""The checker finds what is wrong, and says what it is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from ops.stack.state import Endpoints
from tests.checker.check import check
from tests.checker.entities.foundation import FOUNDATION
from tests.checker.same import compare_same
from tests.fix_postgres import new_database
from tests.integration.checker.corruptions import RECORDS, ROWS, Corruption
from tests.integration.checker.ideal import NAMESPACE, migrate

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def source(stack: Endpoints) -> Iterator[str]:
    """The legacy clinic, for all tests here."""
    yield from new_database(stack.source_dsn)


@pytest.fixture(scope="module")
def template(stack: Endpoints, source: str) -> Iterator[str]:
    """The name of a database with the perfect target."""
    for dsn in new_database(stack.target_dsn):
        migrate(source, dsn, domains=("foundation",))
        yield dsn.rpartition("/")[2]


@pytest.fixture
def target(stack: Endpoints, template: str) -> Iterator[str]:
    """A copy of the perfect target, to be spoilt."""
    yield from new_database(stack.target_dsn, template)


def test_a_migration_without_a_fault_is_clean(source: str, target: str) -> None:
    report = check(source, target, NAMESPACE)
    assert report.clean, report.document()
    assert report.entities["orders"].parked > 0
    assert report.entities["orders"].dead_letters > 0
    assert report.entities["profiles"].excluded > 0
    titles = report.entities["doctor_titles"]
    assert (titles.merged, titles.rows_target) == (titles.rows_source, 0)


@pytest.mark.parametrize("corruption", ROWS + RECORDS, ids=lambda case: case.name)
def test_one_fault_is_found_and_named(source: str, target: str, corruption: Corruption) -> None:
    _spoil(target, corruption.statement)
    report = check(source, target, NAMESPACE, entities=FOUNDATION)
    named = {(problem.kind, problem.entity, problem.column) for problem in report.problems}
    assert corruption.found == named
    assert report.unaccounted == corruption.unaccounted
    assert not report.clean


def test_values_are_shown_only_on_request(source: str, target: str) -> None:
    _spoil(target, "UPDATE clinic.offices SET town = 'Secret'")
    for values in (False, True):
        report = check(source, target, NAMESPACE, entities=FOUNDATION, values=values)
        assert ("Secret" in str(report.document())) is values


def test_the_command_says_equal_or_not_by_its_exit_code(source: str, target: str) -> None:
    clean = _command(source, target)
    _spoil(target, "DELETE FROM clinic.orders")
    spoilt = _command(source, target)
    assert clean.returncode == 0
    assert json.loads(clean.stdout)["unaccounted"] == 0
    assert spoilt.returncode == 8
    counts = json.loads(spoilt.stdout)["entities"]["orders"]
    assert counts["missing"] == counts["rows_source"] - counts["parked"] - counts["dead_letters"]


def test_the_command_says_in_one_line_that_a_server_is_away(source: str) -> None:
    away = _command(source, "postgresql://127.0.0.1:1/nobody")
    assert away.returncode == 4
    assert away.stderr.count("\n") == 1


def test_two_equal_tables_are_told_from_two_that_differ(source: str, target: str) -> None:
    for dsn in (source, target):
        _spoil(dsn, "CREATE TABLE t (a int, b text, c numeric, PRIMARY KEY (a, b))")
    _spoil(source, "INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', NULL), (4, 'z', 0)")
    _spoil(target, "INSERT INTO t VALUES (1, 'x', 1.50), (2, 'y', NULL), (3, 'z', 0)")
    problems = compare_same(source, target, ("public", "t"), ("a", "b"), ("c",))
    assert [str(problem) for problem in problems] == [
        "different public.t 1,x c",
        "extra public.t 3,z",
        "missing public.t 4,z",
    ]


def _spoil(dsn: str, statement: LiteralString) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement)


def _command(source: str, target: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--source", source, "--target", target, "--namespace", NAMESPACE]
    return subprocess.run(
        [sys.executable, "-m", "tests.checker", *arguments, "--output", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
