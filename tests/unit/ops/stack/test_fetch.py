"""What is fetched, and what is believed."""

import io
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from ops.stack import fetch
from ops.stack.fetch import REGISTRY, Artifact
from schemas.errors import StackError

CONTENT = b"bytes of a jar"
JAR = Artifact(group="g", name="a", version="1", sha256=sha256(CONTENT).hexdigest())


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> list[Artifact]:
    """A repository that serves the same bytes for all; the list says what it was asked for."""
    asked: list[Artifact] = []

    def download(artifact: Artifact, folder: Path) -> Path:
        asked.append(artifact)
        path = folder / "part"
        path.write_bytes(CONTENT)
        return path

    monkeypatch.setattr(fetch, "download", download)
    return asked


def test_every_jar_is_pinned_by_its_checksum() -> None:
    jars = fetch.pinned_jars()
    assert len({jar.filename for jar in jars}) == len(jars)
    assert any(jar.name == "kafka_2.13" for jar in jars)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)


def test_what_is_there_is_not_asked_for_again(repository: list[Artifact], tmp_path: Path) -> None:
    fetch.fetch_missing([JAR], tmp_path)
    fetch.fetch_missing([JAR], tmp_path)
    assert repository == [JAR]
    assert (tmp_path / JAR.filename).read_bytes() == CONTENT


@pytest.mark.usefixtures("repository")
def test_a_file_with_another_checksum_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="pinned checksum"):
        fetch.fetch_missing([replace(JAR, sha256="0" * 64)], tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_archive_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))

    def fetch_archive(artifact: Artifact, folder: Path) -> None:
        with tarfile.open(folder / artifact.filename, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("quarkus-run.jar"), io.BytesIO())

    monkeypatch.setattr(fetch, "fetch", fetch_archive)
    folder = fetch.registry_folder()
    assert [path.name for path in folder.iterdir()] == ["quarkus-run.jar"]
    monkeypatch.delattr(fetch, "fetch")
    assert fetch.registry_folder() == folder == tmp_path / f"registry-{REGISTRY.version}"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_repository_that_cannot_be_reached_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(StackError, match=r"a-1\.jar cannot be fetched"):
        fetch.fetch(JAR, tmp_path)
