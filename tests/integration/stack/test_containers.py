"""Servers in containers serve as the embedded ones do: the second way to a stack for tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from docker.errors import ImageNotFound
from testcontainers.core.config import testcontainers_config

from ops.stack.state import Endpoints
from schemas.registry import Registry
from tests import fix_containers
from tests.containers import ROOT, engine
from tests.fix_pipeline import clinic_of, one, writing

pytestmark = pytest.mark.long
ANSWER_S = 30.0
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


def test_all_four_answer_as_those_of_the_embedded_stack_do(servers: Endpoints) -> None:
    for dsn in (servers.source_dsn, servers.target_dsn):
        assert one(dsn, "SHOW wal_level") == "logical"
        assert one(dsn, "SHOW max_prepared_transactions") == "10"
    admin = AdminClient({"bootstrap.servers": servers.bootstrap})
    admin.create_topics([NewTopic("made", 2)])["made"].result(ANSWER_S)
    assert len(admin.list_topics(timeout=ANSWER_S).topics["made"].partitions) == 2
    registry = Registry(servers.registry_url)
    schema = {"type": "record", "name": "Made", "fields": []}
    made = registry.ensure("made-value", schema, "BACKWARD")
    assert registry.schema(made) == schema
    registry.close()


def test_the_clinic_moves_between_two_of_them(
    servers: Endpoints, stack: Endpoints, tmp_path: Path, prefix: str
) -> None:
    at = replace(stack, source_dsn=servers.source_dsn, target_dsn=servers.target_dsn)
    for pipeline in clinic_of(tmp_path / "clinic", prefix, at):
        pipeline.start("produce")
        pipeline.start("consume")
        with writing(at, seed=1):
            pipeline.wait_for("the tail", pipeline.in_tail)
        pipeline.drain()
        assert pipeline.problems() == []
