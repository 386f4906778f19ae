"""What is recorded of a stack."""

import os
import socket
from pathlib import Path

import psutil
import pytest

from ops.stack import state
from ops.stack.process import Process
from ops.stack.state import HOST, State
from schemas.errors import ConflictError, StackError


def this_process() -> Process:
    return Process(pid=os.getpid(), started_at=psutil.Process().create_time())


def test_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    recorded = State(ports={"legacy": 20_001}, processes={"legacy": this_process()})
    state.save(tmp_path, recorded)
    assert state.load(tmp_path) == recorded


def test_no_state_file_means_an_empty_state_and_no_endpoints(tmp_path: Path) -> None:
    assert state.load(tmp_path) == State()
    assert state.endpoints(tmp_path) is None


def test_a_stack_that_was_taken_down_has_no_endpoints(tmp_path: Path) -> None:
    state.save(tmp_path, State(ports={"legacy": 20_001}))
    assert state.endpoints(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"ports": {}, "processes": {"kafka": {"a": 1}}}']
)
def test_a_damaged_state_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / state.STATE_FILE).write_text(text)
    with pytest.raises(StackError, match="state file cannot be read"):
        state.load(tmp_path)


def test_two_commands_do_not_work_on_one_stack(tmp_path: Path) -> None:
    with (
        state.locked(tmp_path),
        pytest.raises(ConflictError, match="starting or stopping"),
        state.locked(tmp_path),
    ):
        pass


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="home cannot be used: Not a directory"):
        state.make_home(tmp_path / "file" / "home")


def test_a_home_that_is_not_ours_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(StackError, match="home cannot be used: Is a directory"),
        state.locked(tmp_path),
    ):
        pass


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not state.is_free(port)
    assert state.is_free(port)


def test_a_chosen_port_is_none_of_those_to_avoid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "PORTS", range(20_000, 20_020))
    free = {port for port in state.PORTS if state.is_free(port)}
    last = free.pop()
    assert state.free_port(avoid=free) == last
    with pytest.raises(StackError, match="no free port"):
        state.free_port(avoid=free | {last})


def test_the_home_is_the_one_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_STACK_HOME", str(tmp_path))
    assert state.default_home() == tmp_path
