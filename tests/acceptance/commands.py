"""The commands as processes, and waiting for what they do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from schemas import failpoint
from tests.beside import repeating
from tests.shop import Shop

UNDERSTUDY = (sys.executable, "-P", "-m", "ops")
STOP_S_MAX = 10.0
DEADLINE_S = 90.0
POLL_S = 0.2
GROWS = """
WITH moved AS (
    UPDATE orders SET cents = cents + CASE id WHEN 1 THEN -1 ELSE 1 END WHERE id IN (1, %(other)s)
) INSERT INTO orders VALUES (%(id)s, 1 + %(id)s %% 2, %(id)s %% 2, %(id)s, NULL)"""


def command(*words: object, failpoint_: str = "") -> subprocess.CompletedProcess[str]:
    """A command that ends by itself or at a failpoint (name:action), with all it says."""
    return subprocess.run(
        [*UNDERSTUDY, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, failpoint.VARIABLE: failpoint_},
    )


@contextmanager
def running(log: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A command in the background, with all it says in a file; stopped at the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*UNDERSTUDY, *map(str, words)], stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(2 * STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, is_so: Callable[[], object], log: Path) -> None:
    """Wait until something is so; if it never is, show what was said."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s\n{log.read_text()}"
        time.sleep(POLL_S)


@contextmanager
def growing(shop: Shop) -> Iterator[None]:
    """A writer whose every transaction makes the total of the orders larger."""
    with psycopg.connect(shop.source_dsn, autocommit=True) as connection:

        def write(number: int) -> None:
            connection.execute(GROWS, {"id": 100 + number, "other": 2 + number % 19})

        with repeating(write, pause_s=0.002):
            yield


def phases(shop: Shop) -> list[str]:
    try:
        return [phase for (phase,) in shop.read("SELECT phase FROM understudy.entities")]
    except psycopg.errors.UndefinedTable:
        return []


def waiting(shop: Shop) -> int:
    """How many rows are dead letters or parked."""
    try:
        ((count,),) = shop.read("SELECT count(*) FROM understudy.waiting")
    except psycopg.errors.UndefinedTable:
        return 0
    return int(count)
