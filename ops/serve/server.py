"""The server of the page, in a thread of its own: `serve` has nothing beside it, `run --ui` the whole pipeline."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from ops.serve import access
from ops.serve.access import Access, Place
from ops.serve.actions import Actions
from ops.serve.app import application
from ops.serve.details import Details
from ops.serve.looker import Looker
from ops.serve.lookout import Lookout
from ops.watch.watcher import Watcher
from schemas.errors import ConfigError, ConflictError

BACKLOG = 64
CONNECTIONS_MAX = 200
STOP_S = 3  # Streams end within a second.


@contextmanager
def serving(
    watcher: Watcher, place: Place, token_file: Path | None, *, acts: bool = False
) -> Iterator[str]:
    """Serve the page of what somebody watches, at a place that is safe, while the block runs; with actions if wanted.

    Yields:
        Its address; with a token that was made for it, in the part that browsers keep to themselves.

    Raises:
        ConfigError: Token or certificate cannot be read.
        ConflictError: The port is taken.
    """
    token = access.token_of(token_file)
    observer = watcher.observer
    with listening(place) as (listener, port):
        lookout = Lookout(Looker(watcher))
        details = Details(observer.migration, observer.at)
        may = Access.of(place, port, token, acts=acts)
        with closing(Actions(observer.migration)) as actions:
            app = application(lookout, details, may, actions if acts else None)
            with running(app, place, listener, lookout):
                yield address(place, port) + ("" if token_file else f"#token={token}")


def address(place: Place, port: int) -> str:
    """What a person types."""
    name = next(iter(place.names), place.host)
    written = f"[{name}]" if ":" in name else name
    return f"{place.scheme}://{written}:{port}/"


@contextmanager
def listening(place: Place) -> Iterator[tuple[socket.socket, int]]:
    """A socket at the place, and its port.

    Raises:
        ConflictError: The port is taken.
        ConfigError: The address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        listener = socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConflictError(
                "the port of the page is taken", port=place.port, remedy="Give another --port."
            ) from error
        raise ConfigError(
            "the page cannot be served there",
            host=place.host,
            port=place.port,
            remedy="Correct --address and --port.",
        ) from error
    with listener:
        # asyncio sets it only where the protocol is named; without it, head and body of an answer lie 40 ms apart.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener, listener.getsockname()[1]


@contextmanager
def running(
    app: ASGIApp, place: Place, listener: socket.socket, lookout: Lookout
) -> Iterator[None]:
    """Have uvicorn serve an application on a socket while the block runs."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,  # A query names a row.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    try:
        config.load()
    except OSError as error:
        raise ConfigError(
            "certificate and key cannot be read", file=place.certificate, remedy="Two PEM files."
        ) from error
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        lookout.close()
        server.should_exit = True
        thread.join(2 * STOP_S)
