from pathlib import Path

import pytest

from ops.serve.access import HEADERS, Access, Place, token_of
from schemas.errors import ConfigError, UsageError

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - of no page
PEM = Path("page.pem")
LOCAL = Access.of(Place(), 8787, TOKEN)
PUBLIC_PLACE = Place(host="0.0.0.0", names=("page.example",), certificate=PEM, key=PEM)  # noqa: S104
PUBLIC = Access.of(PUBLIC_PLACE, 443, TOKEN)
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
ACTING = Access.of(Place(), 8787, TOKEN, acts=True)
ACTION = AUTHORIZED | {
    "origin": "http://127.0.0.1:8787",
    "content-type": "application/json",
    "content-length": "80",
}


def status(access: Access, path: str, method: str = "GET", **headers: str) -> int | None:
    """What a request is refused with; None: it passes."""
    host = "page.example" if access is PUBLIC else "127.0.0.1:8787"
    refusal = access.refusal(method, path, {"host": host} | headers)
    return refusal and refusal[0]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"]
)
def test_this_machine_is_asked_by_its_own_names(host: str) -> None:
    assert status(LOCAL, "/", host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8787",
        "127.0.0.1",
        "127.0.0.1:8788",
        "",
        "127.0.0.1:8787@evil.example",
    ],
)
def test_a_name_of_somebody_else_that_leads_here_is_refused(host: str) -> None:
    assert status(LOCAL, "/api/live", host=host) == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8787", "http://127.0.0.1:8788"]
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    assert status(LOCAL, "/api/live", origin=origin) == 403
    assert status(LOCAL, "/api/live", origin="http://127.0.0.1:8787") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    assert status(LOCAL, "/api/live", method, **AUTHORIZED) == 405
    assert status(ACTING, "/api/live", method, **AUTHORIZED) == 405
    assert status(LOCAL, "/api/actions", method, **ACTION) == 405


def test_an_action_wants_token_own_origin_and_a_short_json() -> None:
    assert status(ACTING, "/api/actions", "POST", **ACTION) is None
    assert status(ACTING, "/api/actions/x", "POST", **ACTION) == 405
    without = {name: ACTION.keys() - {name} for name in ACTION}
    refused = {
        name: status(ACTING, "/api/actions", "POST", **{key: ACTION[key] for key in rest})
        for name, rest in without.items()
    }
    assert refused == {
        "authorization": 401,
        "origin": 403,
        "content-type": 415,
        "content-length": 413,
    }
    large = ACTION | {"content-length": "16385"}
    assert status(ACTING, "/api/actions", "POST", **large) == 413


def test_on_this_machine_figures_are_open_and_rows_want_the_token() -> None:
    assert status(LOCAL, "/api/live") is None
    assert status(LOCAL, "/api/rows/lives") == 401
    assert status(LOCAL, "/api/rows/lives", authorization="Bearer ä") == 401
    assert status(LOCAL, "/api/rows/lives", authorization=TOKEN) == 401
    assert status(LOCAL, "/api/rows/lives", **AUTHORIZED) is None


def test_elsewhere_figures_want_the_token_too() -> None:
    assert status(PUBLIC, "/") is None
    assert status(PUBLIC, "/api/live") == 401
    assert status(PUBLIC, "/api/live", **AUTHORIZED) is None
    assert status(PUBLIC, "/api/live", host="127.0.0.1", **AUTHORIZED) == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "page.example"])  # noqa: S104
def test_others_may_not_reach_a_page_without_token_and_tls(host: str) -> None:
    with pytest.raises(UsageError, match="reached from other machines"):
        Place(host=host).require_safe(None)
    with pytest.raises(UsageError, match="reached from other machines"):
        Place(host=host).require_safe(Path("token"))
    with pytest.raises(UsageError, match="reached from other machines"):
        Place(host=host, certificate=PEM, key=PEM).require_safe(None)


def test_all_addresses_want_a_name_for_the_page() -> None:
    with pytest.raises(UsageError, match="no name"):
        Place(host="::", certificate=PEM, key=PEM).require_safe(Path("token"))
    PUBLIC_PLACE.require_safe(Path("token"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_neither(host: str) -> None:
    Place(host=host).require_safe(None)


def test_half_of_tls_is_refused() -> None:
    with pytest.raises(UsageError, match="certificate and its key"):
        Place(certificate=PEM).require_safe(None)


@pytest.mark.parametrize("text", ["", "short", "twenty characters and blanks", "\u00e4" * 30])
def test_a_token_that_could_be_guessed_or_sent_wrong_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ConfigError, match="token") as refused:
        token_of(file)
    assert not text or text not in str(refused.value)


def test_a_token_is_read_from_its_file_or_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert token_of(file) == TOKEN
    assert token_of(None) != token_of(None)


def test_the_browser_is_told_to_load_and_run_nothing_but_the_pages_own() -> None:
    policy = dict(part.split(maxsplit=1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["require-trusted-types-for"] == "'script'"
