"""The same servers from official images, for machines that have a container engine and the images."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker.errors
import pytest
import requests.exceptions
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy, LogMessageWaitStrategy

from ops.stack.state import Endpoints, free_port

ENGINE = Path("/var/run/docker.sock")
POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.1.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
REGISTRY_PATH = "/apis/ccompat/v7"


@contextmanager
def started() -> Iterator[Endpoints]:
    """Start all, or skip the test that asked where that is not possible here."""
    if "DOCKER_HOST" not in os.environ and not ENGINE.exists():
        pytest.skip(f"no container engine here: there is no {ENGINE} and DOCKER_HOST is not set")
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


def postgres(database: str) -> DockerContainer:
    """A PostgreSQL server with logical decoding and the same limits as the embedded one."""
    settings = ("wal_level=logical", "max_replication_slots=20", "max_wal_senders=20")
    return (
        DockerContainer(POSTGRES_IMAGE)
        .with_env("POSTGRES_DB", database)
        .with_env("POSTGRES_PASSWORD", "secret")
        .with_exposed_ports(5432)
        .with_command(["postgres", *(word for setting in settings for word in ("-c", setting))])
        # Once for the server that makes the database, once for the one that stays.
        .waiting_for(LogMessageWaitStrategy("ready to accept connections", times=2))
    )


def postgres_dsn(container: DockerContainer, database: str) -> str:
    """How to reach its database."""
    return f"postgresql://postgres:secret@127.0.0.1:{container.get_exposed_port(5432)}/{database}"


def kafka(port: int) -> DockerContainer:
    """A broker that tells its clients the port under which this machine sees it."""
    settings = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "MESSAGE_MAX_BYTES": str(64 * 1024 * 1024),
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name}", value)
    return container.waiting_for(LogMessageWaitStrategy("Kafka Server started"))


def registry() -> DockerContainer:
    """A schema registry that keeps its schemas in memory."""
    return (
        DockerContainer(REGISTRY_IMAGE)
        .with_exposed_ports(8080)
        .waiting_for(HttpWaitStrategy(8080, f"{REGISTRY_PATH}/subjects"))
    )
