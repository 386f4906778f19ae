"""Servers in containers serve as the embedded ones do: the second way to a stack for tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import ImageNotFound
from testcontainers.core.config import testcontainers_config

from ops.stack.state import Endpoints
from tests import fix_containers
from tests.containers import ROOT, engine
from tests.fix_pipeline import clinic_of, one, writing

pytestmark = pytest.mark.long
STAND_INS = "understudy-test/"
OFFICIAL = (
    fix_containers.POSTGRES_IMAGE,
    fix_containers.KAFKA_IMAGE,
    fix_containers.REGISTRY_IMAGE,
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Endpoints]:
    """The servers of the official images where the engine has them, else of those that stand in for them."""
    with pytest.MonkeyPatch.context() as patch:
        # It would be one more image; ours end with the test.
        patch.setattr(testcontainers_config, "ryuk_disabled", True)
        patch.setenv(fix_containers.PREFIX_VARIABLE, image_prefix())
        with fix_containers.started() as at:
            yield at


def image_prefix() -> str:
    client = engine()
    try:
        for image in OFFICIAL:
            client.images.get(image)
    except ImageNotFound:
        if os.geteuid() != 0 or not (shutil.which("debootstrap") and shutil.which("docker")):
            pytest.skip("no images: tests/images/make wants root, debootstrap and docker")
        make = (ROOT / "tests/images/make", "postgres", "kafka", "registry")
        subprocess.run(make, check=True, capture_output=True)
        return STAND_INS
    finally:
        client.close()
    return ""


def test_the_clinic_moves_between_servers_in_containers(servers: Endpoints, tmp_path: Path) -> None:
    assert one(servers.source_dsn, "SHOW max_prepared_transactions") == "10"
    for pipeline in clinic_of(tmp_path / "clinic", "containers", servers):
        pipeline.start("produce")
        pipeline.start("consume")
        with writing(servers, seed=1):
            pipeline.wait_for("the tail", pipeline.in_tail)
        pipeline.drain()
        assert pipeline.problems() == []
