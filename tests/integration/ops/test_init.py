"""From a legacy database that nobody has described to a folder without errors, on three of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.stack.state import Endpoints
from ops.start import sampling
from tests.integration.ops.conftest import Ended
from tests.unknown import AWKWARD, KEYED, LOOSE, Unknown, run

Understudy = Callable[..., Ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A folder that init has written."""

    folder: Path
    source: str
    target: str
    ended: Ended

    @property
    def texts(self) -> str:
        """All that is made of the databases."""
        files = [self.folder / "target.sql", *sorted(self.folder.glob("entities/*.toml"))]
        return "".join(file.read_text() for file in files)


Begin = Callable[[Unknown], Begun]


@pytest.fixture
def at(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    """Two empty databases; Kafka and the registry as the environment names them."""
    monkeypatch.setenv("UNDERSTUDY_KAFKA__BOOTSTRAP", endpoints.bootstrap)
    monkeypatch.setenv("UNDERSTUDY_REGISTRY__URL", endpoints.registry_url)
    return endpoints


@pytest.fixture
def begin(understudy: Understudy, at: Endpoints, prefix: str, tmp_path: Path) -> Begin:
    """Load an unknown database, and run init on it."""

    def call(unknown: Unknown) -> Begun:
        unknown.make(at.source_dsn)
        folder = tmp_path / prefix
        ended = understudy("init", folder, "--source", at.source_dsn, "--target", at.target_dsn)
        return Begun(folder=folder, source=at.source_dsn, target=at.target_dsn, ended=ended)

    return call


@pytest.mark.parametrize(
    "unknown",
    [AWKWARD, *(pytest.param(one, marks=pytest.mark.long) for one in (KEYED, LOOSE))],
    ids=lambda unknown: unknown.name,
)
def test_what_init_writes_has_no_errors_once_its_ddl_is_applied_and_its_advice_is_taken(
    unknown: Unknown, begin: Begin, understudy: Understudy
) -> None:
    begun = begin(unknown)
    assert begun.ended.code == 0, begun.ended.err
    run(begun.target, (begun.folder / "target.sql").read_text())
    if unknown.repair:
        first = understudy("check", begun.folder, "-o", "json")
        assert {f["code"] for f in first.document["findings"] if f["severity"] == "error"} == {
            "no-primary-key"
        }
        run(begun.source, unknown.repair)
    checked = understudy("check", begun.folder)
    assert checked.code == 0, checked.out
    assert "errors: 0" in checked.err


def test_references_are_found_by_names_and_values_orphans_are_told_and_no_value_is_written(
    begin: Begin,
) -> None:
    begun = begin(LOOSE)
    loans = (begun.folder / "entities" / "loans.toml").read_text()
    fines = (begun.folder / "entities" / "fines.toml").read_text()
    assert 'copy_id   = { ref = "copies", from = ["isbn", "copy_no"], missing = "park" }' in loans
    assert 'member_id = { ref = "tblmember", from = "memberid", missing = "park" }' in loans
    assert "# RISK: of 40 sampled values 10 have no parent" in fines
    assert 'loan_id   = { ref = "loans", from = "loan_no", missing = "keep" }' in fines
    assert [value for value in ("Ada", "X1", "9004") if value in begun.texts] == []


def test_row_security_is_there_as_comments_that_can_be_run(begin: Begin) -> None:
    begun = begin(KEYED)
    script = (begun.folder / "target.sql").read_text()
    tables, _, security = script.partition("COMMIT;")
    run(begun.target, tables + "COMMIT;")
    lines = [line.removeprefix("-- ") for line in security.splitlines() if line.endswith(";")]
    assert lines
    run(begun.target, "BEGIN; " + " ".join(lines) + " ROLLBACK;")


def test_a_folder_that_holds_something_is_left_alone(begin: Begin, understudy: Understudy) -> None:
    begun = begin(LOOSE)
    before = begun.texts
    again = understudy("init", begun.folder, "--source", begun.source)
    assert (again.code, again.out) == (2, "")
    assert "the folder holds something already" in again.err
    assert begun.texts == before


def test_tables_that_the_target_has_are_matched_and_not_made(
    begin: Begin, target_database: str
) -> None:
    run(
        target_database,
        """CREATE SCHEMA club;
           CREATE TABLE club."Authors" (
               id uuid PRIMARY KEY, "Name" text, mentor uuid REFERENCES club."Authors", born date)""",
    )
    begun = begin(LOOSE)
    authors = (begun.folder / "entities" / "authors.toml").read_text()
    assert 'target = "club.Authors"' in authors
    assert 'mentor = { ref = "authors", from = "mentor_author_id" }' in authors
    assert "#   born: date" in authors
    script = (begun.folder / "target.sql").read_text()
    assert "CREATE TABLE club" not in script
    assert 'REFERENCES club."Authors" (id)' in script


def test_a_sample_that_takes_too_long_is_given_up_and_says_so(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "BUDGET_S", -1.0)
    begun = begin(KEYED)
    assert begun.ended.code == 0
    assert "# not sampled" in (begun.folder / "entities" / "tanks.toml").read_text()


def test_a_source_that_does_not_answer_and_one_without_tables_are_one_line(
    understudy: Understudy, source_database: str, tmp_path: Path
) -> None:
    dead = understudy("init", tmp_path / "a", "--source", "postgresql://me:hush@127.0.0.1:1/x")
    assert (dead.code, dead.out) == (4, "")
    assert "hush" not in dead.err
    assert dead.err.endswith("\n  Check --source.\n")
    empty = understudy("init", tmp_path / "a", "--source", source_database)
    assert empty.code == 4
    assert "The source database is not as it has to be: the database has no table" in empty.err
    assert not (tmp_path / "a").exists()
