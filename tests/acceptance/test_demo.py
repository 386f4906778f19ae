"""The one command that shows it all, as its user meets it; and that it says so when something is wrong."""

import json
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from examples.clinic import demo
from ops.cli.output import Format
from ops.stack.state import Endpoints
from schemas.errors import MismatchError
from tests.fix_pipeline import Pipeline

ROOT = Path(__file__).parents[2]
KEYS = {
    "rows_source", "rows_target", "merged", "repaired", "dead_letters", "parked", "excluded", "unaccounted", "wrong",
    "lag_ms", "seconds",
}  # fmt: skip
DEADLINE_S = 400.0
WORDS = ("--scale", "0.001", "--seconds", "2", "--accounts", "2", "--output", "json")
CENT = "UPDATE clinic.orders SET total = total {} 0.01 WHERE id = (SELECT max(id::text)::uuid FROM clinic.orders)"
WITHOUT_ONE = "DELETE FROM clinic.jaws WHERE id = (SELECT id FROM clinic.jaws LIMIT 1)"


def test_the_last_words_need_no_program_that_the_machine_may_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ops.stack.postgres.account", lambda: None
    )  # A copy of the programs takes seconds.
    demo._tell_where(
        tmp_path, Endpoints(source_dsn="s", target_dsn="t", bootstrap="b", registry_url="r"), 7
    )
    clients = re.findall(r"^ *(\S*psql) ", capsys.readouterr().err, re.MULTILINE)
    assert len(clients) == 2
    assert all(Path(client).is_file() for client in clients)


def test_the_demo_accounts_for_every_row_in_its_last_line() -> None:
    ended = subprocess.run(
        [ROOT / "ops/bin/demo", *WORDS],
        cwd="/",
        env={name: value for name, value in os.environ.items() if "UNDERSTUDY" not in name},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert ended.returncode == 0, ended.stderr
    points = re.findall(r"^demo: at (\S+): .*; unaccounted 0$", ended.stderr, re.MULTILINE)
    assert len(set(points)) == 2
    account = json.loads(ended.stdout.splitlines()[-1])
    assert account.keys() == KEYS
    assert account["unaccounted"] == 0
    explained = ("rows_target", "merged", "parked", "dead_letters", "excluded")
    assert account["rows_source"] == sum(account[name] for name in explained)
    assert account["rows_source"] > 0


@pytest.mark.long
def test_the_demo_fails_when_a_row_is_altered_or_missing(
    clinic: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.start("produce")
    worker = clinic.start("consume")
    clinic.wait_for("the tail", clinic.in_tail)
    monkeypatch.setattr(demo, "FOLDER", clinic.folder)
    monkeypatch.setattr(demo, "_home", lambda *_, **__: clinic.folder)
    monkeypatch.setattr(demo, "_stack", lambda *_, **__: clinic.at)
    monkeypatch.setattr(demo, "_pipeline", lambda *_, **__: worker.process)
    monkeypatch.setattr(demo, "_write", lambda *_: 0)
    for step in ("create_source", "create_target"):
        monkeypatch.setattr(demo, step, lambda *_: None)
    demo.demo(form=Format.JSON)
    monkeypatch.setattr(demo, "SETTLE_S_MAX", 0.0)
    require_mismatch(clinic, CENT.format("+"))
    alter(clinic, CENT.format("-"))
    require_mismatch(clinic, WITHOUT_ONE)


def require_mismatch(clinic: Pipeline, corruption: str) -> None:
    alter(clinic, corruption)
    with pytest.raises(MismatchError) as error:
        demo.demo(form=Format.JSON)
    assert error.value.exit_code


def alter(clinic: Pipeline, statement: str) -> None:
    with psycopg.connect(clinic.at.target_dsn) as target:
        assert target.execute(statement.encode()).rowcount == 1
