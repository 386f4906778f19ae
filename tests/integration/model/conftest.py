"""Target databases for the model's histories."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from ops.stack.state import Endpoints
from tests.fix_postgres import new_database
from tests.integration.model.design import Design
from tests.integration.model.driven import DrivenTarget


class Targets:
    """A database for each design, made when it is first asked for."""

    def __init__(self, server: str, closing: ExitStack) -> None:
        """Begin with none.

        Args:
            server: DSN of the target server.
            closing: Drops the databases at the end.
        """
        self._server = server
        self._closing = closing
        self._targets: dict[Design, DrivenTarget] = {}

    def empty(self, design: Design) -> DrivenTarget:
        """The target of a design, with nothing in it."""
        if design not in self._targets:
            dsn = self._closing.enter_context(contextmanager(new_database)(self._server))
            self._targets[design] = DrivenTarget(dsn, design)
            self._closing.callback(self._targets[design].connection.close)
        self._targets[design].clear()
        return self._targets[design]


@pytest.fixture(scope="session")
def targets(stack: Endpoints) -> Iterator[Targets]:
    """Databases on the target server."""
    with ExitStack() as closing:
        yield Targets(stack.target_dsn, closing)
