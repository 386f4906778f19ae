"""A proxy before PostgreSQL that cuts the wire when a statement has been answered, before the client hears of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 65_536


class Proxy:
    """Forwards connections; `cut_after` arms it once."""

    def __init__(self, dsn: str) -> None:
        self._server = (urlsplit(dsn).hostname or "", urlsplit(dsn).port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = dsn.replace(f":{self._server[1]}/", f":{self._listener.getsockname()[1]}/")
        self._armed: bytes | None = None
        self.cuts = 0
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut_after(self, statement: bytes) -> None:
        """Cut the next connection that sends this, once the server has answered it."""
        self._armed = statement

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                doomed = threading.Event()
                for pump in (self._upstream, self._downstream):
                    thread = threading.Thread(
                        target=pump, args=(client, server, doomed), daemon=True
                    )
                    self._threads.append(thread)
                    thread.start()

    def _upstream(
        self, client: socket.socket, server: socket.socket, doomed: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                if self._armed is not None and self._armed in data:
                    self._armed = None
                    doomed.set()
                server.sendall(data)
        _end(server)

    def _downstream(
        self, client: socket.socket, server: socket.socket, doomed: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                if doomed.is_set():
                    self.cuts += 1
                    break
                client.sendall(data)
        _end(client)

    def close(self) -> None:
        """End all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for found in self._sockets:
            _end(found)
        for thread in self._threads:
            thread.join()
        for found in self._sockets:
            found.close()


def _end(found: socket.socket) -> None:
    with suppress(OSError):
        found.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(dsn: str) -> Iterator[Proxy]:
    """A proxy for as long as a test needs it."""
    running = Proxy(dsn)
    yield running
    running.close()
