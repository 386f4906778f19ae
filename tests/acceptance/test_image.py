"""The image as it is deployed: nobody in particular, on a read-only file system, several of one pipeline."""

import ssl
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from ops.stack.state import Endpoints, free_port
from tests.containers import (
    IMAGE,
    POLL_S,
    ROOT,
    STOP_S,
    WELL_S,
    WORK,
    Containers,
    base_image,
    engine,
)
from tests.fix_pipeline import Pipeline, one, writing

pytestmark = pytest.mark.long
MB_MAX = 600
KILLED = 137
KEYS = "/keys"
STACK_FAILED = 10


@pytest.fixture(scope="module")
def image() -> Iterator[docker.DockerClient]:
    """Our image, built by its Dockerfile as IMAGE."""
    client = engine()
    client.images.build(
        path=str(ROOT),
        dockerfile="ops/image/Dockerfile",
        tag=IMAGE,
        buildargs={"BASE": base_image(client)},
        network_mode="host",
        rm=True,
    )
    yield client
    client.close()


@pytest.fixture
def containers(image: docker.DockerClient) -> Iterator[Containers]:
    """Containers of our image; they and their volumes are removed at the end."""
    containers = Containers(engine=image)
    try:
        yield containers
    finally:
        for container in containers.running:
            container.remove(force=True)
        for volume in containers.volumes:
            volume.remove()


def test_a_clinic_moves_in_containers_and_those_that_are_killed_are_replaced(
    clinic: Pipeline, containers: Containers
) -> None:
    def start(command: str) -> Container:
        return containers.start([command, WORK], {WORK: clinic.folder})

    producer, *killed = start("produce"), start("consume"), start("consume")
    with writing(clinic.at, seed=1):
        clinic.wait_for("the first rows", clinic.applied)
        killed[0].kill()
        successor = start("consume")
        clinic.wait_for("the tail", clinic.in_tail)
        killed[1].kill()
        clinic.wait_for_progress()
    clinic.drain()
    assert clinic.problems() == []
    for container in (producer, successor):
        container.stop(timeout=STOP_S)
        assert containers.ended(container)[0] == 0
    assert [containers.ended(container)[0] for container in killed] == [KILLED, KILLED]


def test_what_compose_does_once_may_be_done_again(
    endpoints: Endpoints, containers: Containers
) -> None:
    settings = {
        "UNDERSTUDY_SOURCE__DSN": endpoints.source_dsn,
        "UNDERSTUDY_TARGET__DSN": endpoints.target_dsn,
        "UNDERSTUDY_KAFKA__BOOTSTRAP": endpoints.bootstrap,
        "UNDERSTUDY_REGISTRY__URL": endpoints.registry_url,
        "CLINIC_SCALE": "0.001",
    }
    mounts = {f"{WORK}/examples": ROOT / "examples"}
    for _ in range(2):
        for name in ("load", "check"):
            code, said = containers.ended(containers.service(name, mounts, settings))
            assert code == 0, said
    writer = containers.service("writer", mounts, settings)
    wait_for_session(endpoints.source_dsn)
    writer.stop(timeout=STOP_S)
    code, said = containers.ended(writer)
    assert code == 0, said


def test_a_container_knows_whether_it_is_well(clinic: Pipeline, containers: Containers) -> None:
    port = free_port(avoid=())
    url = f"http://127.0.0.1:{port}/metrics"
    settings = {"UNDERSTUDY_METRICS__PORT": str(port), "HEALTH_URL": url}
    for command in ("produce", "consume"):
        container = containers.start([command, WORK], {WORK: clinic.folder}, settings)
        containers.wait_until_well(container)
        assert containers.health(container, "http://127.0.0.1:9/") == 1
        container.stop(timeout=STOP_S)


def test_the_page_is_seen_with_the_keys_that_were_made_for_it(
    clinic: Pipeline, containers: Containers
) -> None:
    keys, port = containers.volume(), free_port(avoid=())
    made = [containers.ended(containers.service("keys", {KEYS: keys}, {})) for _ in range(2)]
    assert [code for code, _ in made] == [0, 0], made
    settings = {"HEALTH_URL": f"https://localhost:{port}/", "SSL_CERT_FILE": f"{KEYS}/cert.pem"}
    mounts: dict[str, Path | str] = {KEYS: keys, f"{WORK}/examples/clinic": clinic.folder}
    page = containers.service("page", mounts, settings, f"--port={port}")
    containers.wait_until_well(page)
    certificate, token = (read(page, name) for name in ("cert.pem", "token"))
    trusted = HTTPSConnection(
        "localhost", port, context=ssl.create_default_context(cadata=certificate)
    )
    for authorization, status in (("", 401), (f"Bearer {token.strip()}", 200)):
        trusted.request("GET", "/api/verification", headers={"Authorization": authorization})
        answer = trusted.getresponse()
        answer.read()
        assert answer.status == status
    trusted.close()


def wait_for_session(dsn: str) -> None:
    deadline = time.monotonic() + WELL_S
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while not one(dsn, query):
        assert time.monotonic() < deadline
        time.sleep(POLL_S)


def read(container: Container, name: str) -> str:
    output = container.exec_run(["cat", f"{KEYS}/{name}"]).output
    assert isinstance(output, bytes)
    return output.decode()


def test_the_image_is_small_and_brings_no_server(containers: Containers) -> None:
    image = containers.engine.images.get(IMAGE)
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert image.attrs["Size"] < MB_MAX * 10**6
    assert containers.ended(containers.start(["version"], {}))[0] == 0
    code, said = containers.ended(containers.start(["stack", "up"], {}))
    assert code == STACK_FAILED
    assert "not installed" in said
