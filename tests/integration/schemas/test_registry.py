import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar
from urllib.request import urlopen

import pytest

from schemas import envelope
from schemas.errors import RegistryError
from schemas.registry import Registry
from schemas.table import Column, Table

NOWHERE = "http://127.0.0.1:9/apis"


def schema(topic: str, **columns: str) -> envelope.Schema:
    found = tuple(Column(name=name, type=base, base=base) for name, base in columns.items())
    return envelope.value_schema(topic, Table(schema="s", name="t", key=("id",), columns=found))


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    client = Registry(registry_url, patience_s=0.5)
    yield client
    client.close()


@pytest.fixture
def subject(prefix: str) -> str:
    return f"{prefix}.s.t-value"


def cut_off(registry: Registry) -> None:
    registry._client._rest_client.base_urls = [NOWHERE]


class Web(BaseHTTPRequestHandler):
    """A web server that is no registry; it answers with the status of its path."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Web)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_subject_is_deleted_for_good_and_no_other(registry: Registry, subject: str) -> None:
    other = f"{subject}-of-others"
    for name in (subject, other):
        registry.ensure(name, schema(subject, id="integer"), "BACKWARD")
    registry._client.delete_subject(subject)  # Where a first drop was interrupted.
    assert {subject, other} <= registry.subjects()
    registry.delete(subject)
    registry.delete(subject)
    assert registry.subjects() & {subject, other} == {other}


def test_a_registered_schema_is_read_back_as_it_was(registry: Registry, subject: str) -> None:
    proposed = schema(subject, id="integer", note="text")
    assert registry.schema(registry.ensure(subject, proposed, "BACKWARD")) == proposed


def test_the_same_schema_keeps_its_id(registry: Registry, registry_url: str, subject: str) -> None:
    first = registry.ensure(subject, schema(subject, id="integer"), "BACKWARD")
    second = registry.ensure(subject, schema(subject, id="integer", note="text"), "BACKWARD")
    another = Registry(registry_url)
    assert another.ensure(subject, schema(subject, id="integer"), "BACKWARD") == first
    assert first != second
    another.close()


def test_the_compatibility_is_set_on_the_subject(
    registry: Registry, registry_url: str, subject: str
) -> None:
    registry.ensure(subject, schema(subject, id="integer"), "FULL_TRANSITIVE")
    with urlopen(f"{registry_url}/config/{subject}") as answer:  # noqa: S310 - our own registry
        assert json.load(answer)["compatibilityLevel"] == "FULL_TRANSITIVE"


def test_79_an_incompatible_schema_is_refused_by_subject_with_a_remedy(
    registry: Registry, subject: str
) -> None:
    registry.ensure(subject, schema(subject, id="integer"), "BACKWARD")
    with pytest.raises(RegistryError, match="HTTP 409") as caught:
        registry.ensure(subject, schema(subject, id="boolean"), "BACKWARD")
    assert caught.value.context["subject"] == subject
    assert "registry.compatibility" in (caught.value.advice or "")


def test_78_known_schemas_outlive_the_registry(registry: Registry, subject: str) -> None:
    known = schema(subject, id="integer")
    schema_id = registry.ensure(subject, known, "BACKWARD")
    registry.schema(schema_id)
    cut_off(registry)
    assert registry.ensure(subject, known, "BACKWARD") == schema_id
    assert registry.schema(schema_id) == known
    with pytest.raises(RegistryError, match="no answer"):
        registry.ensure(subject, schema(subject, id="bigint"), "BACKWARD")


def test_80_an_unknown_id_says_that_schemas_are_lost(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="HTTP 404") as caught:
        registry.schema(987_654)
    assert caught.value.context["schema_id"] == 987_654
    assert "Restore" in (caught.value.advice or "")


def test_an_unknown_compatibility_is_refused(registry: Registry, subject: str) -> None:
    with pytest.raises(RegistryError, match="HTTP 422"):
        registry.ensure(subject, schema(subject, id="integer"), "SIDEWAYS")


def test_a_registry_that_is_there_answers_a_ping(registry: Registry) -> None:
    registry.ping()


def test_a_registry_that_is_down_is_one_clear_line() -> None:
    client = Registry("http://someone:secret@127.0.0.1:9/apis")
    with pytest.raises(RegistryError, match=r"no answer \(ConnectError\)") as caught:
        client.ping()
    assert "secret" not in str(caught.value)
    client.close()


@pytest.mark.parametrize(
    ("path", "text"), [("200", "not a registry"), ("401", "401"), ("404", "404")]
)
def test_what_is_no_registry_is_a_registry_error(web: str, path: str, text: str) -> None:
    client = Registry(f"{web}/{path}")
    with pytest.raises(RegistryError, match=text):
        client.ping()
    client.close()


def test_a_status_that_may_pass_is_asked_again_until_the_deadline(web: str) -> None:
    client = Registry(f"{web}/503", patience_s=0.3)
    with pytest.raises(RegistryError, match=r"no reason given \(HTTP 503\)"):
        client.schema(1)
    assert Web.paths.count("/503/schemas/ids/1") > 1
    client.close()


def test_an_address_that_is_none_is_a_registry_error() -> None:
    with pytest.raises(RegistryError, match="not a registry"):
        Registry("127.0.0.1:8081")
