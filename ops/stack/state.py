"""What is recorded of a stack: its ports, kept from start to start, and its processes."""

import fcntl
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platformdirs import PlatformDirs

from ops.stack.process import Process
from schemas.errors import ConflictError, StackError

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# The Confluent-compatible interface of the registry.
REGISTRY_PATH = "/apis/ccompat/v7"
STATE_FILE = "stack.json"
# Below the range from which Linux and macOS take the ports of outgoing connections, so that a stack that is down
# finds its ports free when it comes back.
PORTS = range(20_000, 32_000)
PORT_TRIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """How the parts of a stack are reached."""

    source_dsn: str
    target_dsn: str
    bootstrap: str
    registry_url: str


@dataclass(slots=True, kw_only=True)
class State:
    """The recorded ports by name, and the processes by name of the part."""

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)


def default_home() -> Path:
    """$UNDERSTUDY_STACK_HOME, or a folder below the user's state directory (root: below /var)."""
    chosen = os.environ.get("UNDERSTUDY_STACK_HOME")
    dirs = PlatformDirs("understudy", appauthor=False, use_site_for_root=True)
    return Path(chosen) if chosen else dirs.user_state_path / "stack"


def temporary_home(purpose: str) -> Path:
    """A new folder for a stack that goes again; PostgreSQL's account may enter it when we are root."""
    home = Path(tempfile.mkdtemp(prefix=f"understudy-{purpose}-"))
    home.chmod(0o711)
    return home


def load(home: Path) -> State:
    """Read what is recorded; an empty state where there is none.

    Raises:
        StackError: The file is not what this program writes.
    """
    path = home / STATE_FILE
    try:
        recorded = json.loads(path.read_text())
        processes = {name: Process(**values) for name, values in recorded["processes"].items()}
        return State(ports=recorded["ports"], processes=processes)
    except FileNotFoundError:
        return State()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackError(
            "the state file cannot be read",
            remedy="Delete it; processes that still run have to be stopped by hand.",
            file=path,
        ) from error


def save(home: Path, state: State) -> None:
    """Record the state, in one step: a crash leaves the old file or the new one."""
    new = home / f"{STATE_FILE}.new"
    new.write_text(json.dumps(asdict(state), indent=2) + "\n")
    new.replace(home / STATE_FILE)


def endpoints(home: Path) -> Endpoints | None:
    """How the parts are reached; None where no stack has been brought up, or it was taken down."""
    state = load(home)
    return endpoints_of(state) if state.processes else None


def endpoints_of(state: State) -> Endpoints:
    """How the parts with these ports are reached."""
    ports = state.ports
    return Endpoints(
        source_dsn=dsn(ports["legacy"], "legacy"),
        target_dsn=dsn(ports["target"], "target"),
        bootstrap=f"{HOST}:{ports['kafka']}",
        registry_url=f"http://{HOST}:{ports['registry']}{REGISTRY_PATH}",
    )


def dsn(port: int, database: str) -> str:
    """How to reach a database of a server of the stack."""
    return f"postgresql://{SUPERUSER}@{HOST}:{port}/{database}"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep other commands away from this stack.

    Raises:
        ConflictError: Another one is at work.
        StackError: The home is not ours to write to.
    """
    try:
        file = (home / "lock").open("w")
    except OSError as error:
        raise unusable(home, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                "another command is starting or stopping this stack",
                remedy="Wait for it to end.",
                home=home,
            ) from error
        yield


def make_home(home: Path) -> None:
    """Make the home of a stack where it is missing.

    Raises:
        StackError: It cannot be made.
    """
    # As root the servers run as another account, which has to pass through.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        home.mkdir(mode=mode, parents=True, exist_ok=True)
        (home / "log").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(home, error) from error


def unusable(home: Path, error: OSError) -> StackError:
    """A home that we may not write to."""
    return StackError(
        f"its home cannot be used: {error.strerror}",
        remedy="Choose another --home, or use it as the user who made it.",
        home=home,
    )


def is_free(port: int) -> bool:
    """Whether nothing listens on this port of this machine."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(avoid: Container[int]) -> int:
    """Choose a free port that is not to be avoided.

    Raises:
        StackError: A hundred tries found none.
    """
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        if port not in avoid and is_free(port):
            return port
    raise StackError("no free port found", ports=f"{PORTS.start}-{PORTS.stop - 1}")
