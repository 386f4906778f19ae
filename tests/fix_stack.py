"""The servers that tests run against, started once for the run."""

import os
import shutil
from collections.abc import Iterator

import pytest

from ops.stack import stack as embedded
from ops.stack.stack import Condition
from ops.stack.state import Endpoints, default_home, endpoints, temporary_home


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    """The stack of $UNDERSTUDY_STACK_HOME if it is up, otherwise one of our own.

    With UNDERSTUDY_TEST_STACK=containers our own is made of official images.
    """
    if os.environ.get("UNDERSTUDY_TEST_STACK") == "containers":
        from tests import fix_containers  # noqa: PLC0415 - most runs do without its libraries

        with fix_containers.started() as endpoints_of_containers:
            yield endpoints_of_containers
    elif running := already_up():
        yield running
    else:
        yield from temporary()


def already_up() -> Endpoints | None:
    """The stack that the environment names, if all of it runs."""
    if "UNDERSTUDY_STACK_HOME" not in os.environ:
        return None
    parts = embedded.status(default_home())
    is_up = all(part.condition is Condition.RUNNING for part in parts)
    return endpoints(default_home()) if is_up else None


def temporary() -> Iterator[Endpoints]:
    """An embedded stack that goes with the run."""
    home = temporary_home("test")
    try:
        yield embedded.up(home)
    finally:
        embedded.down(home)
        shutil.rmtree(home)
