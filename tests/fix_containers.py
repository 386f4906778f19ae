"""The same servers from official images, for machines that have a container engine and the images.

Where no registry can be reached, tests/images/make builds images that stand in for them.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker.errors
import pytest
import requests.exceptions
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy, LogMessageWaitStrategy
from testcontainers.core.waiting_utils import WaitStrategy

from ops.stack import kafka as embedded_kafka
from ops.stack import postgres as embedded_postgres
from ops.stack.state import REGISTRY_PATH, Endpoints, free_port

ENGINE = Path("/var/run/docker.sock")
POSTGRES_IMAGE = "postgres:18.6"
KAFKA_IMAGE = "apache/kafka:4.3.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
# Before the names of the images: a mirror's, or that of the images that stand in.
PREFIX_VARIABLE = "UNDERSTUDY_TEST_IMAGE_PREFIX"
START_S = 300
PASSWORD = "secret"  # noqa: S105 - of servers that end with the test


def require_engine() -> None:
    """Skip the test where there is no container engine."""
    if "DOCKER_HOST" not in os.environ and not ENGINE.exists():
        pytest.skip(f"no container engine here: there is no {ENGINE} and DOCKER_HOST is not set")


@contextmanager
def started() -> Iterator[Endpoints]:
    """Start all, or skip the test that asked where that is not possible here."""
    require_engine()
    with ExitStack() as running:
        try:
            legacy = running.enter_context(postgres("legacy"))
            target = running.enter_context(postgres("target"))
            kafka_port = free_port(avoid=())
            running.enter_context(kafka(kafka_port))
            schemas = running.enter_context(registry())
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            pytest.skip(f"containers cannot be started here: {type(error).__name__}")
        yield Endpoints(
            source_dsn=postgres_dsn(legacy, "legacy"),
            target_dsn=postgres_dsn(target, "target"),
            bootstrap=f"127.0.0.1:{kafka_port}",
            registry_url=f"http://127.0.0.1:{schemas.get_exposed_port(8080)}{REGISTRY_PATH}",
        )


def container(image: str) -> DockerContainer:
    """Of an official image, or one in its place."""
    return DockerContainer(os.environ.get(PREFIX_VARIABLE, "") + image)


def patient(ready: WaitStrategy) -> WaitStrategy:
    """Wait as long as a busy machine takes."""
    return ready.with_startup_timeout(START_S)


def postgres(database: str) -> DockerContainer:
    """A PostgreSQL server with the embedded one's settings, but where it listens; it does not wait for the disk."""
    words = [
        f"--{name}={value}"
        for name, value in (embedded_postgres.SETTINGS | {"fsync": "off"}).items()
        if name not in {"listen_addresses", "unix_socket_directories"}
    ]
    return (
        container(POSTGRES_IMAGE)
        .with_env("POSTGRES_DB", database)
        .with_env("POSTGRES_PASSWORD", PASSWORD)
        .with_env("POSTGRES_INITDB_ARGS", "--locale-provider=builtin --locale=C.UTF-8")
        .with_exposed_ports(5432)
        .with_command(["postgres", *words])
        # Once for the server that makes the database, once for the one that stays.
        .waiting_for(patient(LogMessageWaitStrategy("ready to accept connections", times=2)))
    )


def postgres_dsn(server: DockerContainer, database: str) -> str:
    """How to reach its database."""
    return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{server.get_exposed_port(5432)}/{database}"


def kafka(port: int) -> DockerContainer:
    """A broker that tells its clients the port under which this machine sees it."""
    settings = embedded_kafka.configuration(9092, 9093, Path("/var/lib/kafka/data")) | {
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    broker = container(KAFKA_IMAGE).with_bind_ports(9092, port)
    for name, value in settings.items():
        broker.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    return broker.waiting_for(patient(LogMessageWaitStrategy("Kafka Server started")))


def registry() -> DockerContainer:
    """A schema registry that keeps its schemas in memory."""
    return (
        container(REGISTRY_IMAGE)
        .with_exposed_ports(8080)
        .waiting_for(patient(HttpWaitStrategy(8080, f"{REGISTRY_PATH}/subjects")))
    )
