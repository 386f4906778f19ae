"""Named places where a test can make a process fail: `UNDERSTUDY_FAILPOINT=name:kill|raise[@n]`, off by default.

`@n` means the n-th time that the place is reached. Several are separated by commas.
"""

import itertools
import os
import signal
from collections.abc import Iterator

from schemas.errors import InvariantError

VARIABLE = "UNDERSTUDY_FAILPOINT"


def _armed(text: str) -> dict[str, tuple[str, int]]:
    armed = {}
    for item in filter(None, text.split(",")):
        name, _, rest = item.partition(":")
        action, _, count = rest.partition("@")
        armed[name] = (action, int(count or 1))
    return armed


_ARMED = _armed(os.environ.get(VARIABLE, ""))
_REACHED: dict[str, Iterator[int]] = {name: itertools.count(1) for name in _ARMED}


def reach(name: str) -> None:
    """Pass a named place; fail here if the environment says so."""
    if name not in _ARMED:
        return
    action, count = _ARMED[name]
    if next(_REACHED[name]) != count:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise InvariantError("a failpoint was reached", failpoint=name)
