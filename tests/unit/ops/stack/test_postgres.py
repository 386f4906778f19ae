"""Describing a PostgreSQL server of the stack."""

import os
from pathlib import Path

from ops.stack import postgres


def pid_file(folder: Path, pid: int) -> Path:
    file = folder / "postmaster.pid"
    file.write_text(f"{pid}\n{folder}\n")
    return file


def test_the_pid_file_of_a_server_that_is_gone_is_deleted_where_its_pid_is_anothers(
    tmp_path: Path,
) -> None:
    file = pid_file(tmp_path, os.getpid())
    os.utime(file, (0, 0))
    postgres.forget_recycled_pid(tmp_path)
    assert not file.exists()


def test_the_pid_file_of_a_server_that_runs_is_kept(tmp_path: Path) -> None:
    file = pid_file(tmp_path, os.getpid())
    postgres.forget_recycled_pid(tmp_path)
    assert file.exists()


def test_without_a_pid_file_there_is_nothing_to_forget(tmp_path: Path) -> None:
    postgres.forget_recycled_pid(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_below_a_closed_one_cannot_be_entered(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not postgres.others_may_enter(inner)
