"""Names of its own for each test on the shared broker."""

import secrets
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from ops.stack.state import Endpoints


@pytest.fixture
def bootstrap(stack: Endpoints) -> str:
    """How to reach the broker."""
    return stack.bootstrap


@pytest.fixture
def registry_url(stack: Endpoints) -> str:
    """The base of the registry's Confluent-compatible interface."""
    return stack.registry_url


@pytest.fixture
def prefix(bootstrap: str) -> Iterator[str]:
    """A pipeline name that no other test has; its topics are deleted afterwards."""
    name = f"t{secrets.token_hex(5)}"
    yield name
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [
        topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(f"{name}.")
    ]
    for deleted in admin.delete_topics(topics).values() if topics else ():
        deleted.result()
