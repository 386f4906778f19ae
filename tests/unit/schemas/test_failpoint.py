import os
import subprocess
import sys

TWICE = "from schemas import failpoint; failpoint.reach('a'); failpoint.reach('a'); print('on')"


def passed(setting: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UNDERSTUDY_FAILPOINT": setting}
    command = [sys.executable, "-c", TWICE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_place_that_nobody_armed_is_passed() -> None:
    assert passed("").stdout == passed("b:kill").stdout == passed("a:kill@3").stdout == "on\n"


def test_an_armed_place_kills_or_raises_at_its_count() -> None:
    assert passed("b:raise,a:kill@2").returncode == -9
    assert "InvariantError" in passed("a:raise").stderr
