"""Bring the embedded stack up, take it down, look at it."""

import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ops.stack import kafka, postgres, registry
from ops.stack.part import Part, failure, wait_until_ready
from ops.stack.process import Process, clean_environment, credentials, start, stop
from ops.stack.state import (
    STATE_FILE,
    Endpoints,
    State,
    endpoints_of,
    free_port,
    is_free,
    load,
    locked,
    make_home,
    save,
)
from schemas.errors import ConflictError

SERVERS = ("legacy", "target")
PARTS = (*SERVERS, "kafka", "registry")
PORT_NAMES = (*PARTS, "controller")


class Condition(StrEnum):
    """How a part is."""

    RUNNING = "running"
    CRASHED = "crashed"  # It was started and is gone.
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """What is known of one part; the port is None before its first start."""

    name: str
    condition: Condition
    port: int | None
    pid: int | None
    log: Path


def up(home: Path) -> Endpoints:
    """Start whatever of the stack does not run, and return when all of it serves.

    The first start fetches Kafka and the registry and makes the data folders; the ports chosen then are kept. An
    interruption or a failure stops what this call has started.

    Raises:
        ConflictError: Another command is at work on this stack, or one of its ports is taken.
        StackError: A part cannot be fetched or does not come up.
    """
    home = home.absolute()
    make_home(home)
    with locked(home):
        state = load(home)
        before = dict(state.processes)
        for name in PORT_NAMES:
            state.ports.setdefault(name, free_port(avoid=set(state.ports.values())))
        try:
            bring_up(home, state)
            return endpoints_of(state)
        except BaseException:
            new = [name for name, process in state.processes.items() if before.get(name) != process]
            take_down(home, state, new)
            raise


def down(home: Path) -> None:
    """Stop every part that runs; does nothing where none does.

    Raises:
        ConflictError: Another command is at work on this stack.
    """
    home = home.absolute()
    if (home / STATE_FILE).exists():
        with locked(home):
            state = load(home)
            take_down(home, state, tuple(state.processes))


def status(home: Path) -> list[PartStatus]:
    """Look at every part."""
    home = home.absolute()
    state = load(home)
    return [part_status(home, state, name) for name in PARTS]


def require_no_crash(parts: Iterable[PartStatus]) -> None:
    """Look for a part that has crashed.

    Raises:
        StackError: There is one; the message names the first and ends with its log.
    """
    for part in parts:
        if part.condition is Condition.CRASHED:
            raise failure(part.name, "has crashed", part.log)


def bring_up(home: Path, state: State) -> None:
    """Start the parts side by side; the registry needs its server first."""
    legacy, target, broker, schemas = parts = describe(home, state)
    absent = [part for part in parts if not is_running(state, part)]
    for part in absent:
        require_free_port(part)
    prepare([part for part in absent if part.prepare])
    launch(home, state, (part for part in absent if part is not schemas))
    wait_until_ready(target, state.processes[target.name])
    postgres.ensure_database(target.port, registry.DATABASE)
    launch(home, state, (part for part in absent if part is schemas))
    for part in (legacy, broker, schemas):
        wait_until_ready(part, state.processes[part.name])
    for server in (legacy, target):
        postgres.ensure_database(server.port, server.name)


def describe(home: Path, state: State) -> tuple[Part, Part, Part, Part]:
    """The parts of this stack in the order of PARTS; fetches what is missing of them."""
    ports = state.ports
    return (
        postgres.build("legacy", ports["legacy"], home),
        postgres.build("target", ports["target"], home),
        kafka.build(ports["kafka"], ports["controller"], home),
        registry.build(ports["registry"], ports["target"], home),
    )


def is_running(state: State, part: Part) -> bool:
    """Whether the recorded process of the part runs."""
    process = state.processes.get(part.name)
    return process is not None and process.find() is not None


def require_free_port(part: Part) -> None:
    """Refuse to start a part whose recorded port another program has."""
    if not is_free(part.port):
        raise ConflictError(
            f"port {part.port} of {part.name} is taken",
            remedy="Stop the program that listens there, "
            f"or delete {STATE_FILE} in the home of the stack: new ports are chosen then.",
            part=part.name,
            port=part.port,
        )


def prepare(parts: Sequence[Part]) -> None:
    """Make the data folders that are missing, side by side.

    Raises:
        StackError: A command failed; the end of its log is in the message.
    """
    running: list[tuple[Part, subprocess.Popen[bytes]]] = []
    try:
        for part in parts:
            with part.log.open("ab") as log:
                running.append((part, spawn_prepare(part, log.fileno())))
        for part, process in running:
            if process.wait() != 0:
                raise failure(part.name, "could not make its data folder", part.log)
    finally:
        for _, process in running:
            process.kill()
            process.wait()


def spawn_prepare(part: Part, log: int) -> subprocess.Popen[bytes]:
    """Start the command that makes the data folder of a part."""
    return subprocess.Popen(
        part.prepare or (),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=part.folder,
        env=clean_environment(),
        **credentials(part.account),
    )


def launch(home: Path, state: State, parts: Iterable[Part]) -> None:
    """Start the parts, and record each at once, so that whatever happens next, down finds it."""
    for part in parts:
        state.processes[part.name] = start(
            part.command, log=part.log, folder=part.folder, account=part.account
        )
        save(home, state)


def take_down(home: Path, state: State, names: Iterable[str]) -> None:
    """Stop these parts and forget their processes; their ports stay recorded."""
    processes = {name: state.processes[name] for name in names}
    stop((process, stop_signal(name)) for name, process in processes.items())
    for name in processes:
        del state.processes[name]
    save(home, state)


def stop_signal(name: str) -> signal.Signals:
    """SIGINT is PostgreSQL's fast shutdown, which does not wait for sessions to end."""
    return signal.SIGINT if name in SERVERS else signal.SIGTERM


def part_status(home: Path, state: State, name: str) -> PartStatus:
    """Look at one part."""
    process = state.processes.get(name)
    return PartStatus(
        name=name,
        condition=condition_of(process),
        port=state.ports.get(name),
        pid=process.pid if process else None,
        log=home / "log" / f"{name}.log",
    )


def condition_of(process: Process | None) -> Condition:
    """How the part with this recorded process is."""
    if process is None:
        return Condition.STOPPED
    return Condition.RUNNING if process.find() else Condition.CRASHED
