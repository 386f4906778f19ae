"""A pipeline of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from schemas.registry import Registry
from tests.integration.consumers.harness import Pipeline
from tests.integration.consumers.publisher import Publisher, table

NOTES = table("notes", id="integer", body="text")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Events go to the standard library's loggers, which pytest keeps for tests that fail."""
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def pipeline(
    tmp_path: Path, target_database: str, bootstrap: str, registry_url: str, prefix: str
) -> Iterator[Pipeline]:
    """No entity yet, topics of its own, an empty target with the schema new."""
    registry = Registry(registry_url)
    found = Pipeline(
        name=prefix,
        folder=tmp_path,
        dsn=target_database,
        bootstrap=bootstrap,
        registry_url=registry_url,
        registry=registry,
        publisher=Publisher(bootstrap, registry, prefix),
    )
    found.configure()
    found.run("CREATE SCHEMA new")
    yield found
    found.stop()


@pytest.fixture
def notes(pipeline: Pipeline) -> Pipeline:
    """One entity: notes with two partitions."""
    pipeline.run("CREATE TABLE new.notes (id uuid PRIMARY KEY, body text)")
    pipeline.entity("notes", 'body = "body"')
    pipeline.publisher.add(NOTES, partitions=2)
    return pipeline
