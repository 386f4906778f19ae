import http.client
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from ops.serve.access import Access, Place
from ops.serve.app import application
from ops.serve.details import Details
from ops.serve.lookout import Lookout
from ops.serve.overview import Overview
from ops.serve.server import address, listening, running
from schemas.errors import ConfigError, ConflictError
from tests.browser.hand_made import HandMade


@dataclass
class Broken:
    """Looks, and meets a bug; then it is mended."""

    mended: HandMade = field(default_factory=HandMade)
    is_broken: bool = True

    def look(self) -> Overview:
        if self.is_broken:
            self.is_broken = False
            self.fail()
        return self.mended.look()

    def fail(self) -> NoReturn:
        raise ZeroDivisionError

    def rest(self) -> None:
        """Nothing is open."""


def test_a_port_that_is_taken_is_told() -> None:
    with (
        listening(Place()) as (_, port),
        pytest.raises(ConflictError, match="port of the page"),
        listening(Place(port=port)),
    ):
        pass


def test_an_address_that_is_none_of_this_machine_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot be served"), listening(Place(host="192.0.2.7")):
        pass


def test_the_address_is_the_one_that_a_browser_takes() -> None:
    assert address(Place(host="::1"), 8787) == "http://[::1]:8787/"
    assert (
        address(Place(host="192.0.2.7", names=("page.example",)), 80) == "http://page.example:80/"
    )


def test_a_look_that_fails_is_followed_by_the_next_and_the_server_ends_with_viewers_at_it() -> None:
    place = Place()
    lookout = Lookout(Broken(), interval_s=0.05)
    details = Details.__new__(Details)
    with listening(place) as (listener, port):
        app = application(lookout, details, Access.of(place, port, "x" * 20))
        with running(app, place, listener, lookout):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/api/live")
            answer = connection.getresponse()
            line = b""
            while not line.startswith(b"event: overview"):
                line = answer.readline()
            assert lookout.viewers == 1
        assert answer.read().count(b"event:") < 1000
        connection.close()
    assert lookout.viewers == 0
