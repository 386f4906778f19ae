"""What the page may have done, where that is allowed: each action is a command, run as a process, one at a time.

So it checks, writes and audits what the command does, whoever starts it; and it outlives whoever looks at it.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Annotated, Any

import structlog
from pydantic import BaseModel, ConfigDict, Field

from ops import exits
from ops.supervise import exit_code
from schemas.errors import ConflictError, UsageError
from schemas.migration import Migration

# What the page shows of what a command has said: its end.
SAID_BYTES_MAX = 64 * 1024
# For workers to have tried again; who asks in a browser waits for no longer.
RETRY_WAIT_S = 60
# A cutover that is stopped opens its fence first.
STOP_S = 20.0

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What can be asked for."""

    RETRY = "retry"
    VERIFY = "verify"
    BEGIN = "begin"
    ABORT = "abort"
    STOP = "stop"


class Asked(BaseModel):
    """What a browser asks for.

    Attributes:
        confirm: The pipeline's name as it was typed.
        entity: Of a retry or a verification; None: all.
        key: Of a retry: one legacy key.
        since_last: Of a verification: only what has changed since the last one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Kind
    confirm: str
    entity: str | None = None
    key: Annotated[str, Field(pattern=r"^[^\x00]*$")] | None = None
    since_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command that was started; what it says goes to a file, so that it does not depend on a reader."""

    asked: Asked
    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    said: IO[bytes]

    def as_json(self, folder: str) -> dict[str, Any]:
        """How it goes, or how it has ended."""
        ended = self.process.poll()
        code = None if ended is None else exit_code(ended)
        size = os.fstat(self.said.fileno()).st_size
        text = os.pread(self.said.fileno(), SAID_BYTES_MAX, max(0, size - SAID_BYTES_MAX))
        return {
            "action": self.asked.action,
            "command": shlex.join(("understudy", *self.words)),
            "exit_code": code,
            "means": None if code is None else exits.meaning(code),
            "said": text.decode(errors="replace"),
            "next_steps": [] if code is None else next_steps(self.asked, code, folder),
        }


class Actions:
    """Starts commands for one page; lives in its event loop."""

    def __init__(self, migration: Migration) -> None:
        """Of this migration; nothing runs yet."""
        self._migration = migration
        self._run: Run | None = None

    def as_json(self) -> dict[str, Any] | None:
        """The action that runs, or the last one; None before the first."""
        return None if self._run is None else self._run.as_json(str(self._migration.folder))

    def do(self, asked: Asked) -> None:
        """Start what is asked for, or stop what runs.

        Raises:
            UsageError: The pipeline's name was not typed, or there is nothing such.
            ConflictError: Another action runs.
        """
        name = self._migration.pipeline.pipeline
        if asked.confirm != name:
            raise UsageError("the pipeline's name was not typed", remedy=f"Type {name}.")
        if asked.entity is not None and asked.entity not in self._migration.entities:
            raise UsageError("no entity is called that")
        if asked.action is Kind.STOP:
            self._stop()
            return
        if self._runs():
            raise ConflictError(
                "another action of this page runs", remedy="Wait for it, or stop it."
            )
        if self._run is not None:
            self._run.said.close()
        self._run = _started(asked, words(asked, str(self._migration.folder)))
        # Without the key, which is of a row.
        log.info("started from the page", action=asked.action.value, entity=asked.entity)

    def close(self) -> None:
        """Stop what runs, as Ctrl-C would, and wait for its end."""
        if self._run is None:
            return
        if self._runs():
            self._run.process.send_signal(signal.SIGINT)
            try:
                self._run.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                log.warning("it goes on by itself", pid=self._run.process.pid)
        self._run.said.close()

    def _runs(self) -> bool:
        return self._run is not None and self._run.process.poll() is None

    def _stop(self) -> None:
        if self._run is None or not self._runs():
            raise UsageError("nothing runs")
        self._run.process.send_signal(signal.SIGINT)


def words(asked: Asked, folder: str) -> tuple[str, ...]:
    """The command after `understudy`; an option and its value are one word, so that no value is read as an option."""
    entity = () if asked.entity is None else (f"--entity={asked.entity}",)
    match asked.action:
        case Kind.RETRY:
            key = () if asked.key is None else (f"--only=key={asked.key}",)
            return ("dead-letters", "retry", folder, *entity, *key, f"--wait={RETRY_WAIT_S}")
        case Kind.VERIFY:
            return ("verify", folder, *entity, *(("--since=last",) if asked.since_last else ()))
        case Kind.BEGIN:
            return ("cutover", "begin", folder, f"--confirm={asked.confirm}")
        case Kind.ABORT:
            return ("cutover", "abort", folder)
        case Kind.STOP:
            raise UsageError("to stop is no command")


def next_steps(asked: Asked, code: int, folder: str) -> list[str]:
    """Commands that come after an action that has ended so."""
    if asked.action is Kind.RETRY:
        return [f"understudy dead-letters list {folder}"]
    if asked.action is Kind.VERIFY:
        return [
            f"understudy {'verify' if code else 'cutover plan'} {folder}{' --values' if code else ''}"
        ]
    return [f"understudy cutover {'plan' if code else 'status'} {folder}"]


def _started(asked: Asked, command: tuple[str, ...]) -> Run:
    said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as somebody wants to read it
    process = subprocess.Popen(
        (sys.executable, "-P", "-m", "ops", *command),
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
        start_new_session=True,  # A Ctrl-C for the page reaches it once, from us.
    )
    return Run(asked=asked, words=command, process=process, said=said)
