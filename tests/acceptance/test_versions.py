"""The whole way on older servers than the stack's: one server with both databases, from snapshot to the way back."""

from collections.abc import Iterator

import psycopg
import pytest

from ops.stack.state import Endpoints
from tests.acceptance.test_walk import (
    cut_over,
    fenced,
    problems,
    settled,
    there_and_back,
    verified,
    walked,
    writing_on_the_source,
)
from tests.fix_pipeline import Pipeline
from tests.own_server import OLDER, own_server

__all__ = ["walked"]


@pytest.fixture(params=OLDER)
def endpoints(request: pytest.FixtureRequest, stack: Endpoints) -> Iterator[Endpoints]:
    """Both databases on one server of an older version; Kafka and registry are the run's."""
    with own_server(request.param) as legacy:
        with psycopg.connect(legacy, autocommit=True) as server:
            server.execute("CREATE DATABASE target")
        target = legacy.removesuffix("legacy") + "target"
        yield Endpoints(
            source_dsn=legacy,
            target_dsn=target,
            bootstrap=stack.bootstrap,
            registry_url=stack.registry_url,
        )


@pytest.mark.long
def test_the_whole_way_goes_on_older_servers(walked: Pipeline) -> None:
    walked.start("run")
    with writing_on_the_source(walked.at.source_dsn, seed=4) as writer:
        walked.wait_for("the tail", walked.in_tail)
        verified(walked)
        cut_over(walked, ())
        fenced(writer)
    assert problems(walked) == ""
    born = there_and_back(walked)
    assert settled(walked, born) == ""
