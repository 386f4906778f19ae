import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import typer.main

from ops import databases, wiring
from ops.cli import output
from ops.cli.guide import HEADINGS
from ops.cli.main import app, main
from ops.cli.running import stop_event
from schemas.errors import ConfigError, OwnershipLostError, SourceError, UnderstudyError, UsageError

CLINIC = Path(__file__).parents[3] / "examples" / "clinic"


def commands(
    group: typer.core.TyperGroup, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, (*words, name))
        elif isinstance(command, typer.core.TyperCommand):
            yield (*words, name), command


def root() -> typer.core.TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["understudy", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_every_command_of_the_pipeline_shows_an_example_of_itself() -> None:
    found = {
        words: command.help or ""
        for words, command in commands(root())
        if words[0] not in {"stack", "version"}
    }
    alone = [
        "init",
        "try",
        "run",
        "produce",
        "consume",
        "check",
        "plan",
        "document",
        "account",
        "verify",
        "reapply",
        "replay",
        "swap",
        "add",
        "resync",
        "ids",
        "reverse",
        "rollback",
        "rehearse",
        "status",
        "metrics",
        "serve",
        "schema",
        "pause",
        "resume",
        "drop",
    ]
    letters = [("dead-letters", word) for word in ["list", "show", "export", "retry", "discard"]]
    waiting = [("parked", word) for word in ("list", "show")]
    lives = [("trace", word) for word in ("source", "target")]
    evening = [("cutover", word) for word in ("plan", "begin", "status", "finish", "abort")]
    assert set(found) == {*((name,) for name in alone), *letters, *waiting, *lives, *evening}
    for words, text in found.items():
        assert f"Example: understudy {' '.join(words)}" in text


def test_the_help_has_every_command_under_one_heading_and_paragraphs_without_line_breaks() -> None:
    listed = [name for names in HEADINGS.values() for name in names]
    assert sorted(listed) == sorted(root().commands)
    assert root().list_commands(typer.Context(root())) == listed
    for words, command in commands(root()):
        for paragraph in (command.help or "").split("\n\n"):
            assert "\n" not in paragraph, words


def test_an_unknown_command_or_option_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, "perform") == 2
    assert ended(monkeypatch, "check", "x", "--loud") == 2


def test_a_folder_that_is_not_there_ends_with_3_and_one_line_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "run", "nowhere") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    line, remedy = shown.err.splitlines()
    assert line.startswith("error: ")
    assert "the folder does not exist folder=nowhere" in line
    assert remedy.startswith("  ")


FULL = "UNDERSTUDY_TEST_FULL" in os.environ


def wrong_folders(place: Path) -> Iterator[Path]:
    """Folders that hold no migration, each in its own way."""
    names = (
        "no-pipeline no-entities entities-are-a-file broken-pipeline broken-entity entity-is-a-folder "
        "not-utf8 pipeline-is-a-folder"
    )
    for name in names.split():
        (place / name / "entities").mkdir(parents=True)
        (place / name / "entities" / "orders.toml").write_text('source = "public.orders"')
        shutil.copy(CLINIC / "understudy.toml", place / name)
        yield place / name
    (place / "no-pipeline" / "understudy.toml").unlink()
    for name in ("no-entities", "entities-are-a-file", "entity-is-a-folder"):
        (place / name / "entities" / "orders.toml").unlink()
    (place / "entities-are-a-file" / "entities").rmdir()
    (place / "entities-are-a-file" / "entities").touch()
    (place / "broken-pipeline" / "understudy.toml").write_text("[source\n")
    (place / "broken-entity" / "entities" / "orders.toml").write_text("where = ")
    (place / "entity-is-a-folder" / "entities" / "orders.toml").mkdir()
    (place / "not-utf8" / "entities" / "orders.toml").write_bytes(b"\xff")
    (place / "pipeline-is-a-folder" / "understudy.toml").unlink()
    (place / "pipeline-is-a-folder" / "understudy.toml").mkdir()
    (place / "file").touch()
    (place / "empty").mkdir()
    (place / "loop").symlink_to(place / "loop")
    yield from (place / name for name in ("nowhere", "file", "empty", "loop", "long" * 100))


# What a command wants beside the folder.
BESIDE = {
    ("document",): ["--output", "docs"],
    ("replay",): ["--all"],
    ("add",): ["--entity", "orders"],
    ("resync",): ["--entity", "orders"],
    ("dead-letters", "show"): ["--entity", "orders", "--key", "1"],
    ("parked", "show"): ["--entity", "orders", "--key", "1"],
    ("dead-letters", "discard"): ["--entity", "orders", "--because", "old"],
    ("trace", "source"): ["public.orders", "1", "--folder"],
    ("trace", "target"): ["shop.orders", "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10", "--folder"],
}
OF_A_FOLDER = [
    words for words, _ in commands(root()) if words[0] not in {"stack", "version", "schema", "init"}
]


@pytest.mark.parametrize("words", OF_A_FOLDER, ids=" ".join)
def test_a_wrong_folder_is_one_line_and_a_remedy_and_ends_with_3(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = list(wrong_folders(tmp_path))
    # All read it by the same function: one command meets every wrong folder, the others some.
    for folder in folders if words == ("check",) or FULL else folders[::5]:
        assert ended(monkeypatch, *words, *BESIDE.get(words, []), str(folder)) == 3, folder
        shown = capsys.readouterr()
        assert shown.out == ""
        *errors, remedy = shown.err.splitlines()
        assert errors
        assert all(line.startswith("error: The configuration is not valid: ") for line in errors)
        assert folder.name in errors[0]
        assert remedy.startswith("  ")
    assert not (tmp_path / "docs").exists()


def test_without_servers_and_without_a_stack_the_remedy_names_both_ways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("UNDERSTUDY_STACK_HOME", str(tmp_path))
    assert ended(monkeypatch, "status", str(CLINIC)) == 3
    shown = capsys.readouterr().err
    assert "key=source.dsn" in shown
    assert "understudy stack up" in shown
    assert "UNDERSTUDY_<SECTION>__<KEY>" in shown


def test_what_is_spelled_wrong_is_said_before_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("SOURCE__DSN", "TARGET__DSN", "KAFKA__BOOTSTRAP", "REGISTRY__URL"):
        monkeypatch.setenv(f"UNDERSTUDY_{key}", key)
    assert ended(monkeypatch, "cutover", "begin", str(CLINIC), "--accept", "foo") == 2
    assert "--accept foo is not NAME=COUNT" in capsys.readouterr().err


def test_an_unexpected_error_shows_where_but_not_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_folder: Path) -> None:
        message = "(id)=(42) of Mrs Smith"
        raise ValueError(message)

    monkeypatch.setattr(wiring, "read", broken)
    assert ended(monkeypatch, "status", "x") == 1
    shown = capsys.readouterr().err
    assert "ValueError" in shown
    assert "broken" in shown
    assert "Mrs Smith" not in shown


def test_an_error_that_another_attempt_may_mend_ends_with_75(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert output.report(OwnershipLostError(topic="t", partition=0)) == output.EXIT_RETRYABLE
    assert output.report(SourceError("x")) == 4
    capsys.readouterr()


def test_further_errors_that_an_error_notes_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = SourceError("first")
    error.add_note("second")
    output.report(error)
    shown = capsys.readouterr().err.splitlines()
    assert [line.startswith("error: ") for line in shown] == [True, True]


def test_every_exit_code_is_in_the_help_and_in_the_readme(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "--help") == 0
    shown = " ".join(re.sub(r"[^\w+]", " ", capsys.readouterr().out).split())
    page = (Path(output.__file__).parents[1] / "README.md").read_text()
    kinds = [UnderstudyError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    for code in ("75", "128 + n", *(str(kind.exit_code) for kind in kinds)):
        assert re.search(rf"\b{re.escape(code)} [a-zA-Z]", shown), code
        assert re.search(rf"\b{re.escape(code)} [a-zA-Z]", page), code


def test_no_password_of_a_dsn_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(SourceError("no route", server="postgresql://app:hush@db/x password=hush"))
    assert "hush" not in capsys.readouterr().err


@pytest.mark.parametrize(("document", "key"), [("pipeline", "namespace"), ("entity", "columns")])
def test_the_schema_of_a_file_is_json_schema_with_its_keys(
    document: str, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "schema", document) == 0
    schema = json.loads(capsys.readouterr().out)
    assert key in schema["properties"]
    assert schema["additionalProperties"] is False


def test_the_schema_of_an_entity_file_takes_tables_and_rules_by_their_short_spelling(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "schema", "entity") == 0
    schema = json.loads(capsys.readouterr().out)
    places = (
        schema["properties"]["source"],
        schema["properties"]["columns"]["additionalProperties"],
    )
    for place in places:
        assert "string" in [way.get("type") for way in place["anyOf"]]
    assert schema["$defs"]["TableName"]["required"] == ["schema", "table"]


def test_a_destructive_command_wants_the_name_of_the_pipeline() -> None:
    output.require_name("clinic", "clinic", "to go on")
    for given in ("klinik", None):
        with pytest.raises(UsageError):
            output.require_name("clinic", given, "to go on")


def test_naming_one_entity_takes_all_that_read_its_topic() -> None:
    migration = wiring.read(CLINIC)
    shared = migration.entities["orders"].model_copy(update={"name": "archive"})
    migration.entities["archive"] = shared
    assert wiring.chosen(migration, ("orders",)) == ("archive", "orders")
    assert set(wiring.chosen(migration, ())) == set(migration.entities)
    with pytest.raises(UsageError, match=r"no entity is called ordrs; did you mean orders\?"):
        wiring.chosen(migration, ("ordrs",))


def test_what_the_environment_says_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNDERSTUDY_STACK_HOME", str(tmp_path))
    for key in ("SOURCE__DSN", "TARGET__DSN", "KAFKA__BOOTSTRAP", "REGISTRY__URL"):
        monkeypatch.setenv(f"UNDERSTUDY_{key}", key)
    at = wiring.endpoints(wiring.read(CLINIC))
    assert (at.source_dsn, at.target_dsn) == ("SOURCE__DSN", "TARGET__DSN")
    assert (at.bootstrap, at.registry_url) == ("KAFKA__BOOTSTRAP", "REGISTRY__URL")


def test_a_dsn_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNDERSTUDY_STACK_HOME", str(tmp_path))
    monkeypatch.setenv("UNDERSTUDY_SOURCE__DSN", "")
    with pytest.raises(ConfigError, match=r"key=source\.dsn"):
        wiring.endpoints(wiring.read(CLINIC))


@pytest.mark.parametrize("dsn", ["postgresql://app:hush@[x/db", "password='hush", "hush"])
def test_a_dsn_that_cannot_be_read_is_not_quoted(dsn: str) -> None:
    with pytest.raises(SourceError, match="the dsn cannot be read") as refused:
        databases.source(dsn, "test").__enter__()
    assert "hush" not in str(refused.value)


def test_sigterm_sets_the_stop_event() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = stop_event()
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
