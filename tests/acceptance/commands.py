"""The commands as processes, and waiting for what they do."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.shop import Shop

UNDERSTUDY = (sys.executable, "-P", "-m", "ops")
STOP_S_MAX = 10.0
DEADLINE_S = 90.0
POLL_S = 0.2
GROWS = """
WITH moved AS (
    UPDATE orders SET cents = cents + CASE id WHEN 1 THEN -1 ELSE 1 END WHERE id IN (1, %(other)s)
) INSERT INTO orders VALUES (%(id)s, 1 + %(id)s %% 2, %(id)s %% 2, %(id)s, NULL)"""


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, with all it says."""
    return subprocess.run(
        [*UNDERSTUDY, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
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
    stop = threading.Event()

    def write() -> None:
        number = 100
        with psycopg.connect(shop.source_dsn, autocommit=True) as connection:
            while not stop.wait(0.002):
                connection.execute(GROWS, {"id": number, "other": 2 + number % 19})
                number += 1

    with ThreadPoolExecutor() as pool:
        written = pool.submit(write)
        try:
            yield
        finally:
            stop.set()
    written.result()


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
