"""Processes that outlive the command that started them."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.stack import process
from ops.stack.part import failure, last_lines
from ops.stack.process import Process, start, stop

DEADLINE_S = 5.0


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    command = ["/bin/sh", "-c", "echo ready; exec sleep 60"]
    started = start(command, log=tmp_path / "log", folder=tmp_path, account=None)
    yield started
    stop([(started, signal.SIGKILL)])


def wait_until_ready(log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while last_lines(log, 1) != ["ready"]:
        assert time.monotonic() < deadline


def test_a_started_process_is_no_child_of_ours(sleeper: Process) -> None:
    found = sleeper.find()
    assert found is not None
    assert found not in psutil.Process().children(recursive=True)


def test_a_started_process_has_a_session_of_its_own(sleeper: Process) -> None:
    assert os.getsid(sleeper.pid) != os.getsid(0)


def test_its_output_goes_to_the_log(sleeper: Process, tmp_path: Path) -> None:
    wait_until_ready(tmp_path / "log")
    assert sleeper.find()


def test_a_stopped_process_is_not_found(sleeper: Process) -> None:
    stop([(sleeper, signal.SIGTERM)])
    assert sleeper.find() is None


def test_a_process_that_ignores_the_request_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_DEADLINE_S", 0.2)
    monkeypatch.setattr(process, "QUIT_DEADLINE_S", 0.2)
    command = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
    stubborn = start(command, log=tmp_path / "log", folder=tmp_path, account=None)
    wait_until_ready(tmp_path / "log")
    stop([(stubborn, signal.SIGTERM)])
    assert stubborn.find() is None


def test_a_recycled_pid_is_left_alone() -> None:
    """The pid is ours, the recorded start is another's: stopping it would end this test run."""
    other = Process(pid=os.getpid(), started_at=psutil.Process().create_time() - 60)
    assert other.find() is None
    stop([(other, signal.SIGKILL)])


def test_variables_of_the_user_do_not_reach_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPORT", "JAVA_TOOL_OPTIONS", "QUARKUS_HTTP_PORT"):
        monkeypatch.setenv(name, "1")
        assert name not in process.clean_environment()


def test_a_failure_names_the_part_and_ends_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    text = str(failure("kafka", "has crashed", log))
    assert "kafka has crashed" in text
    assert "line 98 | line 99" in text
    assert "\n" not in text


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none", 5) == []
