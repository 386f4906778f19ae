"""A process that outlives the command that started it, known by its pid and the time when it started."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psutil

from schemas.errors import StackError

# psutil derives the start time from the boot time, which moves when the clock of the machine is set.
START_TOLERANCE_S = 2.0
STOP_DEADLINE_S = 30.0
QUIT_DEADLINE_S = 8.0  # PostgreSQL gives its own processes five.
KILL_DEADLINE_S = 5.0
POLL_S = 0.02
# Leaves a process running and prints its pid. Its parent is then the system, which reaps it; as a child of ours it
# would stay a zombie until we end.
DETACH = 'exec 3>&1 >&2; "$@" 3>&- & echo $! >&3'


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One recorded process.

    Attributes:
        pid: Its process id, which may belong to another process by now.
        started_at: Seconds since 1970 when it started, which tells the two apart.
    """

    pid: int
    started_at: float

    def find(self) -> psutil.Process | None:
        """The running process, or None where it has ended."""
        try:
            found = psutil.Process(self.pid)
            is_same = abs(found.create_time() - self.started_at) < START_TOLERANCE_S
            return found if is_same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Credentials(TypedDict, total=False):
    """The arguments of subprocess that make a child run as another account."""

    user: int
    group: int
    extra_groups: list[int]


def credentials(account: pwd.struct_passwd | None) -> Credentials:
    """Run as this account, or (None) as who we are."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def clean_environment() -> dict[str, str]:
    """None of the PG*, JAVA_*, QUARKUS_* variables that the user may have set for other ends."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def start(
    command: Sequence[str], *, log: Path, folder: Path, account: pwd.struct_passwd | None
) -> Process:
    """Start a process that no terminal and no end of ours reaches.

    Args:
        command: Program and arguments.
        log: File that its output is added to.
        folder: Its working directory.
        account: Who runs it; None: who we are.

    Raises:
        StackError: It ended before it could be recorded.
    """
    with log.open("ab") as output:
        launched = subprocess.run(
            ["/bin/sh", "-c", DETACH, "start", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=folder,
            env=clean_environment(),
            start_new_session=True,
            check=True,
            **credentials(account),
        )
    pid = int(launched.stdout)
    try:
        return Process(pid=pid, started_at=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess as error:
        raise StackError("it ended at once", program=command[0], log=log) from error


def stop(processes: Iterable[tuple[Process, signal.Signals]]) -> None:
    """Ask all to stop, each by its own signal, and end those that do not within the deadline.

    A server that waits for a reader of its WAL ends its own processes on SIGQUIT; killed, it would leave them behind.
    """
    asked = []
    for process, ask in processes:
        asked.append(process)
        send(process, ask)
    stubborn = wait_for_end(asked, STOP_DEADLINE_S)
    for last, seconds in ((signal.SIGQUIT, QUIT_DEADLINE_S), (signal.SIGKILL, KILL_DEADLINE_S)):
        for process in stubborn:
            send(process, last)
        stubborn = wait_for_end(stubborn, seconds)


def send(process: Process, ask: signal.Signals) -> None:
    """Send a signal to a process; nothing where it has ended."""
    if found := process.find():
        with suppress(psutil.NoSuchProcess):
            found.send_signal(ask)


def wait_for_end(processes: Sequence[Process], seconds: float) -> list[Process]:
    """Wait until all have ended, or the time is over; return those that still run.

    One that has ended and was not reaped yet has ended: some systems reap late.
    """
    deadline = time.monotonic() + seconds
    running = list(processes)
    while (running := [one for one in running if one.find()]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return running
