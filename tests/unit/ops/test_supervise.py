import sys
import threading
import time

import pytest

from ops import supervise
from ops.supervise import Child

DEADLINE_S = 15.0


def child(script: str) -> Child:
    return Child(name="part", command=(sys.executable, "-c", script))


def run(children: list[Child], stop: threading.Event) -> int:
    result: list[int] = []
    thread = threading.Thread(target=lambda: result.append(supervise.supervise(children, stop)))
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    return result[0]


def test_ends_with_the_exit_code_of_the_child_that_halts_and_stops_the_others() -> None:
    patient = child("import sys; sys.stdin.read()")
    assert run([patient, child("raise SystemExit(4)")], threading.Event()) == 4
    assert patient.process is None


def test_starts_a_child_again_that_was_killed_by_a_signal(tmp_path: object) -> None:
    marker = f"{tmp_path}/second"
    script = f"""
import os, pathlib, signal
if pathlib.Path({marker!r}).exists():
    raise SystemExit(6)
pathlib.Path({marker!r}).touch()
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = child(script)
    assert run([killed], threading.Event()) == 6
    assert killed.restarts == 1


def test_gives_up_after_the_limit_of_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "BACKOFF_FIRST_S", 0.0)
    monkeypatch.setattr(supervise, "RESTARTS_MAX", 2)
    hopeless = child(f"raise SystemExit({supervise.RETRYABLE})")
    assert run([hopeless], threading.Event()) == supervise.RETRYABLE
    assert hopeless.restarts == 2


def test_a_stop_ends_a_child_that_obeys_sigterm_at_once_and_is_no_failure() -> None:
    stop = threading.Event()
    obedient = child(
        "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); sys.stdin.read()"
    )
    obedient.start()
    stop.set()
    began = time.monotonic()
    assert run([obedient], stop) == 0
    assert time.monotonic() - began < supervise.STOP_DEADLINE_S


def test_a_child_that_ignores_sigterm_is_killed_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervise, "STOP_DEADLINE_S", 0.3)
    stop = threading.Event()
    deaf = child(
        "import signal, sys; signal.signal(15, signal.SIG_IGN); print('up', file=sys.stderr); sys.stdin.read()"
    )
    deaf.start()
    stop.set()
    assert run([deaf], stop) == 0
    assert deaf.process is None


def test_the_last_line_of_a_child_is_shown_once(capfd: pytest.CaptureFixture[str]) -> None:
    run(
        [child("import sys; print('error: it is over', file=sys.stderr); sys.exit(3)")],
        threading.Event(),
    )
    assert capfd.readouterr().err.count("error: it is over") == 1


def test_a_child_learns_from_its_stdin_that_the_supervisor_is_gone() -> None:
    orphan = child("import sys; sys.stdin.read()")
    orphan.start()
    process = orphan.process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0
    orphan.ended()
