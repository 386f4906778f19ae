"""The embedded stack as its user meets it: by its commands."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from ops.stack import fetch, process, stack
from ops.stack.stack import Condition
from ops.stack.state import HOST, STATE_FILE, endpoints, load, temporary_home
from producers.source import connect_replication
from schemas.errors import ConflictError
from tests.crowding import crowding_of_late

ROOT = Path(__file__).parents[3]
SECOND_START_S_MAX = 15.0
DEADLINE_S = 30.0
NO_NETWORK = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")


@pytest.fixture
def home() -> Iterator[Path]:
    folder = temporary_home("test")
    yield folder
    stack.down(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def own() -> Iterator[Path]:
    """A stack for the tests of this file to break; each leaves it up, but the last, which takes it down."""
    folder = temporary_home("test")
    stack.up(folder)
    yield folder
    stack.down(folder)
    shutil.rmtree(folder)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "stack", *words],
        cwd=ROOT,
        env=os.environ | NO_NETWORK,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def conditions(home: Path) -> dict[str, Condition]:
    return {part.name: part.condition for part in stack.status(home)}


def kill(home: Path, *names: str) -> None:
    for name in names:
        part = load(home).processes[name]
        os.kill(part.pid, signal.SIGKILL)
        deadline = time.monotonic() + DEADLINE_S
        while part.find():
            assert time.monotonic() < deadline


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever runs with this home in its command line."""
    found = []
    for running in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(str(home) in word for word in running.cmdline()):
                found.append(running)
    return found


def test_all_parts_serve_and_a_second_up_starts_nothing(own: Path) -> None:
    before = load(own)
    answer = command("up", "--home", str(own), "--output", "json")
    assert answer.stderr == f"the stack in {own} runs\n"
    assert answer.returncode == 0, answer.stderr
    reached = json.loads(answer.stdout)
    assert load(own) == before
    for side, database in (("source", "legacy"), ("target", "target")):
        with psycopg.connect(reached[f"{side}_dsn"]) as connection:
            row = connection.execute(
                "SELECT current_database(), current_setting('wal_level')"
            ).fetchone()
        assert row == (database, "logical")


def test_folders_of_the_servers_are_private(own: Path) -> None:
    for name in ("legacy", "legacy/data", "target", "target/data", "kafka", "registry", "log"):
        assert (own / name).stat().st_mode & 0o077 == 0, name


def test_a_part_that_crashed_is_named_with_the_end_of_its_log_and_comes_back(own: Path) -> None:
    kill(own, "registry")
    answer = command("status", "--home", str(own))
    assert answer.returncode == 10
    assert "registry has crashed; its log ends: " in answer.stderr
    assert "Traceback" not in answer.stderr
    stack.up(own)
    assert set(conditions(own).values()) == {Condition.RUNNING}


def test_after_a_crash_of_the_machine_it_starts_as_it_was_without_network(own: Path) -> None:
    before = stack.up(own)
    with psycopg.connect(before.source_dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
    kill(own, *stack.PARTS)
    began = time.monotonic()
    answer = command("up", "--home", str(own))
    seconds = time.monotonic() - began
    assert answer.returncode == 0, answer.stderr
    assert endpoints(own) == before
    assert seconds < SECOND_START_S_MAX * crowding_of_late()
    with psycopg.connect(before.source_dsn) as connection:
        assert connection.execute("SELECT a FROM kept").fetchone() == (1,)


def test_logs_show_the_end_of_one_part(own: Path) -> None:
    answer = command("logs", "legacy", "--home", str(own), "--lines", "3")
    assert len(answer.stdout.splitlines()) == 3
    assert "database system" in answer.stdout


@pytest.mark.long
def test_down_leaves_nothing_of_a_server_whose_wal_somebody_holds_up(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_DEADLINE_S", 1.0)
    at = stack.up(own)
    server = psutil.Process(load(own).processes["legacy"].pid)
    with (
        psycopg.connect(at.source_dsn, autocommit=True) as connection,
        contextlib.closing(connect_replication(at.source_dsn, "reader")) as reader,
    ):
        connection.execute("CREATE TABLE large (a text)")
        connection.execute("CREATE PUBLICATION large FOR TABLE large")
        reader.execute("CREATE_REPLICATION_SLOT large TEMPORARY LOGICAL pgoutput")
        reader.pgconn.exec_(
            b"START_REPLICATION SLOT large LOGICAL 0/0 (proto_version '1', publication_names 'large')"
        )
        connection.execute(
            "INSERT INTO large SELECT repeat('x', 1000) FROM generate_series(1, 50000)"
        )
        stuck = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'WalSenderWriteData'"
        deadline = time.monotonic() + DEADLINE_S
        while connection.execute(stuck).fetchone() != (1,):
            assert time.monotonic() < deadline
        parts = server.children()
        stack.down(own)
    assert [part for part in parts if part.is_running()] == []
    stack.up(own)


def test_down_leaves_nothing_running(own: Path) -> None:
    assert command("down", "--home", str(own)).returncode == 0
    assert processes_of(own) == []
    assert set(conditions(own).values()) == {Condition.STOPPED}
    assert endpoints(own) is None


def test_a_port_that_is_taken_is_named_and_nothing_is_started(home: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        (home / STATE_FILE).write_text(json.dumps({"ports": {"kafka": port}, "processes": {}}))
        with pytest.raises(ConflictError, match=f"port {port} of kafka is taken"):
            stack.up(home)
    assert processes_of(home) == []


@pytest.mark.parametrize(
    "ask", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_an_interrupted_start_leaves_nothing_running(home: Path, ask: signal.Signals) -> None:
    starting = subprocess.Popen(
        [sys.executable, "-m", "ops", "stack", "up", "--home", str(home)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + DEADLINE_S
    while not load(home).processes.get("kafka"):
        assert time.monotonic() < deadline
        assert starting.poll() is None
    starting.send_signal(ask)
    assert starting.wait(DEADLINE_S) != 0
    assert processes_of(home) == []
    assert load(home).processes == {}


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="we are one: the other tests show it")
def test_an_ordinary_user_runs_it_as_themselves(home: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    home.chmod(0o700)
    python = python_for(user)
    environment = {
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "UNDERSTUDY_CACHE": str(fetch.cache_folder()),
    }
    for word, running in (("up", {"nobody"}), ("down", set())):
        answer = subprocess.run(
            [python, "-m", "ops", "stack", word, "--home", str(home / "stack")],
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
        )
        assert answer.returncode == 0, answer.stderr
        assert {process.username() for process in processes_of(home)} == running


def python_for(user: pwd.struct_passwd) -> str:
    """An interpreter of our version that this user may run with our packages; ours may be in a closed folder."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(
                [python, "-c", "import psycopg"],
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join(sys.path)},
                capture_output=True,
                check=True,
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
            )
            return python
    return pytest.skip("no interpreter here that another user may run with these packages")
