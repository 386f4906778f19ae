"""Commands of the operator at fixed moments of a cutover: started without a shell, with a time limit."""

import shlex
import subprocess
import time
from dataclasses import asdict, dataclass

from ops.cutover.journal import Journal
from ops.cutover.order import Order
from schemas.errors import NotReadyError
from schemas.session import redacted

TIMEOUT_S = 60
# Of what it said, the end is kept.
OUTPUT_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    command: str
    exit_code: int
    output: str

    def as_json(self) -> dict[str, object]:
        """As evidence."""
        return asdict(self)


def run(order: Order, journal: Journal, name: str) -> None:
    """Run a command of [cutover] if there is one; to use a shell, it says sh -c '...'.

    Raises:
        NotReadyError: It failed, or did not end in time.
    """
    command: str | None = getattr(order.migration.pipeline.cutover, name)
    if command is None:
        return
    order.say(f"running {name}")
    began = time.monotonic()
    ran = _ended(command)
    journal.record(
        name if not ran.exit_code else f"{name} failed",
        ran.as_json(),
        seconds=time.monotonic() - began,
    )
    if ran.exit_code:
        raise NotReadyError(
            f"the command {name} failed: {_last_line(ran.output)}",
            exit_code=ran.exit_code,
            remedy=f"Mend it, or correct {name} in [cutover] of understudy.toml.",
        )


def _ended(command: str) -> Ran:
    shown = redacted(command)
    try:
        ended = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran(command=shown, exit_code=-1, output=f"not ended after {TIMEOUT_S} s")
    except (OSError, ValueError) as error:
        return Ran(command=shown, exit_code=-1, output=str(error))
    output = ended.stdout.decode(errors="replace")[-OUTPUT_MAX:]
    return Ran(command=shown, exit_code=ended.returncode, output=redacted(output))


def _last_line(output: str) -> str:
    return next(reversed(output.strip().splitlines()), "it said nothing")
