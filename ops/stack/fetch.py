"""Kafka and the schema registry: fetched once, verified, kept in the cache of the user.

Every file is pinned with its SHA-256. It is verified before it gets its final name, so a file that is there is a file
that was verified; a second start opens no connection.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import PlatformDirs

from schemas.errors import StackError

KAFKA_JARS = Path(__file__).with_name("kafka_jars.txt")
DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a Maven repository, and what it must contain."""

    group: str
    name: str
    version: str
    sha256: str
    classifier: str = ""
    packaging: str = "jar"

    @property
    def filename(self) -> str:
        """The name under which it is cached."""
        return f"{self.group}-{self.name}-{self.version}.{self.packaging}"


REGISTRY = Artifact(
    group="io.apicurio",
    name="apicurio-registry-app",
    version="3.3.3",
    classifier="all",
    packaging="tar.gz",
    sha256="8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
)


def cache_folder() -> Path:
    """Where fetched files are kept: $UNDERSTUDY_CACHE or the user's cache directory."""
    chosen = os.environ.get("UNDERSTUDY_CACHE")
    dirs = PlatformDirs("understudy", appauthor=False, use_site_for_root=True)
    return Path(chosen).absolute() if chosen else dirs.user_cache_path


def kafka_classpath() -> str:
    """Fetch what is missing of Kafka.

    Returns:
        The Java class path.

    Raises:
        StackError: A jar cannot be fetched, or is not the pinned one.
    """
    folder = cache_folder() / "jars"
    jars = pinned_jars()
    fetch_missing(jars, folder)
    return os.pathsep.join(str(folder / jar.filename) for jar in jars)


def registry_folder() -> Path:
    """Fetch and unpack the schema registry where it is missing.

    Raises:
        StackError: The archive cannot be fetched, or is not the pinned one.
    """
    unpacked = cache_folder() / f"registry-{REGISTRY.version}"
    if not unpacked.exists():
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=unpacked.parent) as temporary:
            fetch(REGISTRY, Path(temporary))
            unpack(Path(temporary, REGISTRY.filename), Path(temporary, "unpacked"))
            publish(Path(temporary, "unpacked"), unpacked)
    return unpacked


def pinned_jars() -> list[Artifact]:
    """Kafka's jars, one a line: group:name:version and the SHA-256."""
    lines = (line.split() for line in KAFKA_JARS.read_text().splitlines())
    return [
        Artifact(group=group, name=name, version=version, sha256=sha256)
        for coordinates, sha256 in lines
        for group, name, version in [coordinates.split(":")]
    ]


def fetch_missing(artifacts: Iterable[Artifact], folder: Path) -> None:
    """Fetch those that the folder does not hold yet, several at once."""
    missing = [artifact for artifact in artifacts if not (folder / artifact.filename).exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(lambda artifact: fetch(artifact, folder), missing))


def fetch(artifact: Artifact, folder: Path) -> None:
    """Download one artifact into the folder, under its final name only when its checksum is right.

    Raises:
        StackError: It cannot be had, or is not the pinned one.
    """
    with TemporaryDirectory(dir=folder) as temporary:
        path = download(artifact, Path(temporary))
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != artifact.sha256:
            raise StackError(
                f"{artifact.filename} has not the pinned checksum",
                remedy="Nothing of it was used. Try again; if it stays so, the repository is not to be trusted.",
            )
        path.replace(folder / artifact.filename)


def download(artifact: Artifact, folder: Path) -> Path:
    """Download one artifact, unverified, into a Maven repository of its own in the folder."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - half a second that a second start need not pay

    context = MavenContext(repo_cache=folder, local_repos=[])
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    try:
        return component.artifact(artifact.classifier, artifact.packaging).resolve()
    except (OSError, RuntimeError) as error:
        raise StackError(
            f"{artifact.filename} cannot be fetched ({type(error).__name__})",
            remedy="Check the network and its proxy settings, then start again: what was fetched is kept.",
        ) from error


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a verified archive."""
    with tarfile.open(archive) as files:
        # Python 3.11.0 to 3.11.3 have no filters; its pinned checksum vouches for the archive there.
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(folder)  # noqa: S202 - see above


def publish(folder: Path, final: Path) -> None:
    """Give a finished folder its name; another process that was quicker has made the same."""
    try:
        folder.rename(final)
    except OSError:
        if not final.exists():
            raise
