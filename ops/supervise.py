"""`run`: one capture and some workers as child processes, restarted while that can help, stopped together."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

RETRYABLE = 75  # EX_TEMPFAIL of sysexits.h: the child itself says that trying again may help.
RESTARTS_MAX = 10
HEALTHY_S = 60.0  # A child that ran this long starts its count of restarts anew.
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0
POLL_S = 0.1
# Of the ten seconds that a stop may take; then a child is killed, and goes on from its slot or checkpoint next time.
STOP_DEADLINE_S = 8.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Child:
    """One part of the pipeline as a process.

    Attributes:
        name: For the log.
        command: With its arguments.
    """

    name: str
    command: tuple[str, ...]
    restarts: int = 0
    due_at: float = 0.0
    started_at: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    relay: threading.Thread | None = None

    def tend(self) -> int | None:
        """Start the child when it is due, and look after it when it has ended.

        Returns:
            Its exit code when it has ended for good; None while it runs or waits for its restart.
        """
        if self.process is None:
            if time.monotonic() >= self.due_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        self.ended()
        return None if self.restart_after(code) else exit_code(code)

    def start(self) -> None:
        """Start it. The pipe to its stdin stays open as long as we live: that is how it knows."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.relay = threading.Thread(target=relay, args=(self.process.stderr,), daemon=True)
        self.relay.start()
        log.debug("started", part=self.name, pid=self.process.pid)

    def restart_after(self, code: int) -> bool:
        """Plan a restart if the failure is one that passes and the limit is not reached."""
        if code != RETRYABLE and code >= 0:
            return False
        if time.monotonic() - self.started_at > HEALTHY_S:
            self.restarts = 0
        if self.restarts >= RESTARTS_MAX:
            log.error("restarted too often", part=self.name, restarts=self.restarts)
            return False
        delay = min(BACKOFF_FIRST_S * 2**self.restarts, BACKOFF_MAX_S)
        self.restarts += 1
        self.due_at = time.monotonic() + delay
        log.warning("restarting", part=self.name, exit_code=code, delay_s=delay)
        return True

    def stop(self, deadline: float) -> int:
        """Wait for the end of a child that was asked to end; kill it at the deadline (monotonic).

        Returns:
            Its exit code; negative: the signal that ended it.
        """
        if self.process is None:
            return 0
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("killed, it did not stop in time", part=self.name)
            self.process.kill()
        code = self.process.wait()
        self.ended()
        return code

    def ended(self) -> None:
        """Show the last lines of an ended child and close its pipes."""
        if self.process and self.process.stdin and self.process.stderr and self.relay:
            self.relay.join()
            self.process.stdin.close()
            self.process.stderr.close()
        self.process = None


def parts(folder: Path, workers: int) -> list[Child]:
    """The children of a whole pipeline."""
    # -P: a folder `ops` where the user stands is not ours.
    understudy = (sys.executable, "-P", "-m", "ops")
    produce = (*understudy, "produce", str(folder), "--with-parent")
    consume = (*understudy, "consume", str(folder), "--with-parent")
    return [
        Child(name="capture", command=produce),
        *(Child(name=f"worker-{n}", command=consume) for n in range(1, workers + 1)),
    ]


def supervise(children: Sequence[Child], stop: threading.Event) -> int:
    """Keep the children running until `stop` is set or one has ended for good; then stop all.

    Returns:
        The exit code of the child that ended for good, or of one that did not stop well; otherwise 0.
    """
    code = 0
    try:
        while not stop.wait(POLL_S):
            ended = [found for child in children if (found := child.tend()) is not None]
            if ended:
                code = ended[0]
                break
    finally:
        failures = stop_all(children)
    return code or next(iter(failures), 0)


def stop_all(children: Sequence[Child]) -> list[int]:
    """Ask all to end, then wait for all.

    Returns:
        The exit codes of those that failed to end well; those that were killed are told in the log.
    """
    deadline = time.monotonic() + STOP_DEADLINE_S
    for child in children:
        if child.process is not None:
            child.process.terminate()
    codes = [child.stop(deadline) for child in children]
    return [code for code in codes if code > 0]


def exit_code(code: int) -> int:
    """An exit code for our own end: a signal's as the shell shows it."""
    return 128 - code if code < 0 else code


def relay(lines: IO[bytes] | None) -> None:
    """Copy a child's stderr to ours, a line at a time, so that lines of several children do not mix."""
    for line in lines or ():
        sys.stderr.write(line.decode(errors="backslashreplace"))
        sys.stderr.flush()
