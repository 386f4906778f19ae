"""A part of the stack: what starts it, and how one sees that it serves."""

import pwd
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.stack.process import Process
from schemas.errors import StackError

READY_DEADLINE_S = 120.0
READY_POLL_S = 0.05
LOG_LINES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One server of the stack.

    Attributes:
        name: legacy, target, kafka or registry.
        port: Where it listens.
        folder: Its data and its working directory.
        log: What it prints.
        prepare: The command that makes its data folder, or None where that is there.
        command: The command that runs it.
        account: Who runs both; None: who we are.
        is_ready: Whether it serves.
    """

    name: str
    port: int
    folder: Path
    log: Path
    prepare: tuple[str, ...] | None
    command: tuple[str, ...]
    account: pwd.struct_passwd | None
    is_ready: Callable[[], bool]


def wait_until_ready(part: Part, process: Process) -> None:
    """Return when the part serves.

    Raises:
        StackError: It ended, or does not serve in time; the last lines of its log are in the message.
    """
    deadline = time.monotonic() + READY_DEADLINE_S
    while not part.is_ready():
        if process.find() is None:
            raise failure(part.name, "ended while starting", part.log)
        if time.monotonic() > deadline:
            raise failure(part.name, f"does not answer after {READY_DEADLINE_S:.0f} s", part.log)
        time.sleep(READY_POLL_S)


def failure(name: str, what: str, log: Path) -> StackError:
    """An error that names the part and shows the end of its log."""
    lines = " | ".join(last_lines(log, LOG_LINES_SHOWN)) or "nothing"
    return StackError(f"{name} {what}; its log ends: {lines}", remedy=f"See {log}.", part=name)


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log, the oldest first; none where there is no log."""
    try:
        with log.open(errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []
