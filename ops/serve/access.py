"""Who may see what: the address to listen on, the names of the page, its token, and the headers of every answer."""

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from schemas.errors import ConfigError, UsageError

TOKEN_CHARACTERS_MIN = 20
TOKEN_BYTES = 24
PUBLIC = "/api/"
ROWS = "/api/rows/"
ACTIONS = "/api/actions"
METHODS = ("GET", "HEAD")
BODY_BYTES_MAX = 16 * 1024  # Of an action: a name or two, and a key.
LOCAL = ("127.0.0.1", "localhost", "::1")
HTTP_PORTS = {"http": 80, "https": 443}  # Left out of Host and Origin by browsers.
# Nothing but our own files runs, loads or is asked; the browser refuses to make elements out of texts.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the page is served.

    Attributes:
        host: Address to listen on.
        port: 0: any that is free.
        names: Under which browsers ask for it, beside the address.
        certificate: PEM file; with `key`, browsers talk TLS.
    """

    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def scheme(self) -> str:
        """Http or https."""
        return "https" if self.certificate else "http"

    def origins(self, port: int) -> frozenset[str]:
        """The origins that are the page's own, `scheme://host:port`."""
        own = {self.host, *self.names, *(LOCAL if self.is_local else ())}
        written = {f"[{name}]" if ":" in name else name.lower() for name in own}
        hosts = {f"{name}:{port}" for name in written}
        if port == HTTP_PORTS[self.scheme]:
            hosts |= written
        return frozenset(f"{self.scheme}://{host}" for host in hosts)

    def require_safe(self, token: Path | None) -> None:
        """Refuse what would let others read along.

        Raises:
            UsageError: Another machine could reach the page without token and TLS, or under no known name.
        """
        if (self.certificate is None) != (self.key is None):
            raise UsageError("TLS takes a certificate and its key", remedy="Give both.")
        if self.is_local:
            return
        if token is None or self.certificate is None:
            raise UsageError(
                f"{self.host} can be reached from other machines",
                remedy="Add --token-file, --tls-cert and --tls-key; or leave out --address, and look through a tunnel: "
                "ssh -L 8787:127.0.0.1:8787.",
            )
        if self.host in {"0.0.0.0", "::"} and not self.names:  # noqa: S104 - refused, not bound
            raise UsageError(
                f"{self.host} is no name of the page",
                remedy="Add --name, under which browsers ask for it.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request has to bring.

    Attributes:
        token: Rows are shown, and actions taken, with it alone.
        is_open: Whether figures are shown without it.
        origins: The page's own.
        acts: Whether there are actions.
    """

    token: str
    is_open: bool
    origins: frozenset[str]
    acts: bool = False

    @classmethod
    def of(cls, place: Place, port: int, token: str, *, acts: bool = False) -> Self:
        """To a page that is served there."""
        return cls(token=token, is_open=place.is_local, origins=place.origins(port), acts=acts)

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason, where a request is refused; None: it may pass.

        Args:
            method: Of the request.
            path: Without the query.
            headers: Names in lower case.
        """
        hosts = {origin.partition("://")[2] for origin in self.origins}
        # A name of somebody else that leads here: DNS rebinding.
        if headers.get("host", "").lower() not in hosts:
            return 421, "This is not the page of that host; see --name."
        if "origin" in headers and headers["origin"].lower() not in self.origins:
            return 403, "Another page may not ask this one."
        if method not in METHODS and not (method == "POST" and self.acts and path == ACTIONS):
            return 405, "The page changes nothing: GET only."
        if self._needs_token(path) and not self._is_token(headers.get("authorization", "")):
            return 401, "This wants the token."
        return _unfit_action(headers) if method == "POST" else None

    def _needs_token(self, path: str) -> bool:
        return path.startswith((ROWS, ACTIONS) if self.is_open else PUBLIC)

    def _is_token(self, authorization: str) -> bool:
        expected = f"Bearer {self.token}".encode()
        return hmac.compare_digest(authorization.encode(), expected)


def _unfit_action(headers: Mapping[str, str]) -> tuple[int, str] | None:
    """Why an action is refused that brings the token; None: it may pass. A form of another page could send neither."""
    if "origin" not in headers:
        return 403, "An action tells which page asks for it."
    if headers.get("content-type", "") != "application/json":
        return 415, "An action is JSON."
    size = headers.get("content-length", "")
    if not size.isascii() or not size.isdigit() or int(size) > BODY_BYTES_MAX:
        return 413, "An action is short."
    return None


def token_of(file: Path | None) -> str:
    """The token in a file, or a new one.

    Raises:
        ConfigError: The file cannot be read, or what it holds could be guessed.
    """
    if file is None:
        return secrets.token_urlsafe(TOKEN_BYTES)
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            "the token cannot be read", file=file, remedy="One line of ASCII."
        ) from error
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isprintable() or " " in token:
        raise ConfigError(
            f"the token wants {TOKEN_CHARACTERS_MIN} characters without spaces",
            file=file,
            remedy="Make one: openssl rand -hex 24.",
        )
    return token
