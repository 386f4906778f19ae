"""The servers that tests run against, started once for the run.

ops/bin/test spreads the tests over processes (pytest-xdist), which share one stack.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ops.stack import stack as embedded
from ops.stack.stack import Condition
from ops.stack.state import Endpoints, default_home, endpoints, temporary_home

# Where the home of the run's own stack is told to all its processes.
HOME_VARIABLE = "UNDERSTUDY_TEST_HOME"


def pytest_configure(config: pytest.Config) -> None:
    """Choose the home of the run's stack, in the process that starts the run."""
    if not hasattr(config, "workerinput"):
        os.environ[HOME_VARIABLE] = str(temporary_home("test"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take down what the run has started."""
    if not hasattr(config, "workerinput"):
        home = own_home()
        embedded.down(home)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    """The stack of $UNDERSTUDY_STACK_HOME if it is up, otherwise one that goes with the run.

    With UNDERSTUDY_TEST_STACK=containers our own is made of official images.
    """
    if os.environ.get("UNDERSTUDY_TEST_STACK") == "containers":
        from tests import fix_containers  # noqa: PLC0415 - most runs do without its libraries

        with fix_containers.started() as endpoints_of_containers:
            yield endpoints_of_containers
    elif running := already_up():
        yield running
    else:
        with locked("start", fcntl.LOCK_EX):
            started = embedded.up(own_home())
            forget_the_disk(started)
        yield started


def forget_the_disk(at: Endpoints) -> None:
    """Have the run's own servers write without waiting for the disk: DROP DATABASE is a checkpoint.

    A server that crashes loses nothing by it, only a machine would.
    """
    for dsn in (at.source_dsn, at.target_dsn):
        with psycopg.connect(dsn, autocommit=True) as server:
            server.execute("ALTER SYSTEM SET fsync = off")
            server.execute("SELECT pg_reload_conf()")


def already_up() -> Endpoints | None:
    """The stack that the environment names, if all of it runs."""
    if "UNDERSTUDY_STACK_HOME" not in os.environ:
        return None
    parts = embedded.status(default_home())
    is_up = all(part.condition is Condition.RUNNING for part in parts)
    return endpoints(default_home()) if is_up else None


def own_home() -> Path:
    """The home of the stack that goes with this run."""
    return Path(os.environ[HOME_VARIABLE])


@contextmanager
def locked(name: str, kind: int) -> Iterator[None]:
    """Hold a lock that the processes of this run share."""
    with (own_home() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, kind)
        yield
