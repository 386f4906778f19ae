"""Our image as tests build it, and its containers."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container
from docker.models.volumes import Volume

from tests.fix_containers import require_engine

ROOT = Path(__file__).parents[1]
IMAGE = "understudy:test"
BASE = "understudy-test/base:python"
BASE_PACKAGES = ("ca-certificates", "python3", "python3-venv")
STOP_S = 10
WELL_S = 60.0
POLL_S = 0.2
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
WORK: str = SERVICES["producer"]["working_dir"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """Containers of our image, as docker-compose.yml has them, in the network of this machine."""

    engine: docker.DockerClient
    running: list[Container] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)

    def start(
        self,
        words: Sequence[str],
        mounts: Mapping[str, Path | str],
        settings: Mapping[str, str] | None = None,
        entrypoint: Sequence[str] | None = None,
    ) -> Container:
        """Start a command.

        Args:
            words: Of the command.
            mounts: Folders of this machine to read, or names of volumes to write, by where they are mounted.
            settings: Its environment.
            entrypoint: In place of the image's.
        """
        container = self.engine.containers.run(
            IMAGE,
            list(words),
            entrypoint=list(entrypoint) if entrypoint else None,
            environment=dict(settings or {}),
            volumes=[
                f"{it}:{at}:{'ro' if isinstance(it, Path) else 'rw'}" for at, it in mounts.items()
            ],
            network_mode="host",
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 - within the container
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            working_dir=WORK,
            init=True,
            detach=True,
        )
        self.running.append(container)
        return container

    def service(
        self, name: str, mounts: Mapping[str, Path | str], settings: Mapping[str, str], *more: str
    ) -> Container:
        """Start what docker-compose.yml starts under a name, with more words if there are any."""
        service = SERVICES[name]
        words = [word.replace("$$", "$") for word in service["command"]]
        return self.start([*words, *more], mounts, settings, service.get("entrypoint"))

    def health(self, container: Container, url: str = "") -> int:
        """What the image's health command ends with, asked of the container's URL or of another."""
        command = self.engine.images.get(IMAGE).attrs["Config"]["Healthcheck"]["Test"][1:]
        asked = container.exec_run(command, environment={"HEALTH_URL": url} if url else {})
        assert asked.exit_code is not None
        return asked.exit_code

    def wait_until_well(self, container: Container) -> None:
        """Wait until the image's health command says so."""
        deadline = time.monotonic() + WELL_S
        while self.health(container):
            container.reload()
            assert container.status == "running", container.logs().decode()
            assert time.monotonic() < deadline, container.logs().decode()
            time.sleep(POLL_S)

    def volume(self) -> str:
        """A new volume."""
        volume = self.engine.volumes.create()
        self.volumes.append(volume)
        return str(volume.name)

    def ended(self, container: Container) -> tuple[int, str]:
        """Wait for the end of a container.

        Returns:
            Its exit code, and all it said.
        """
        code = int(container.wait(timeout=60)["StatusCode"])
        return code, container.logs().decode()


def engine() -> docker.DockerClient:
    """A client of the container engine, or the test is skipped."""
    require_engine()
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except DockerException as error:
        pytest.skip(f"the container engine does not answer: {type(error).__name__}")
    return client


def base_image(client: docker.DockerClient) -> str:
    """An image with Python, made of Debian's packages where it is missing."""
    try:
        client.images.get(BASE)
    except ImageNotFound:
        if os.geteuid() != 0 or not (shutil.which("debootstrap") and shutil.which("docker")):
            pytest.skip("no base image: ops/image/base wants root, debootstrap and docker")
        subprocess.run(
            [ROOT / "ops/image/base", BASE, *BASE_PACKAGES], check=True, capture_output=True
        )
    return BASE
