"""Commands of the operator at fixed moments of a cutover: started without a shell, with a time limit."""

import shlex
import subprocess
from dataclasses import asdict, dataclass

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


def run(name: str, command: str) -> Ran:
    """Run a command of [cutover].

    Args:
        name: Its key.
        command: Split as a shell does; to use one, write sh -c '...'.

    Raises:
        NotReadyError: It failed, or did not end in time.
    """
    ran = _run(command)
    if ran.exit_code:
        raise NotReadyError(
            f"the command {name} failed: {ran.output.strip().splitlines()[-1:] or 'no output'}",
            exit_code=ran.exit_code,
            remedy=f"Mend it, or correct {name} in [cutover] of understudy.toml.",
        )
    return ran


def _run(command: str) -> Ran:
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
