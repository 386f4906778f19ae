"""The schema registry, by its Confluent-compatible interface (Confluent's, Apicurio's, Redpanda's).

What was once registered or read is kept, so that known schemas outlive a registry that is down.
Sources: Confluent documentation, "Schema Registry API Reference"; "Schema Evolution and
Compatibility".
"""

import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import httpx2
from confluent_kafka.schema_registry import Schema as RegisteredSchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from schemas.envelope import Schema
from schemas.errors import RegistryError
from schemas.session import redacted

Answer = TypeVar("Answer")

COMPATIBILITIES = frozenset(
    level + reach for level in ("BACKWARD", "FORWARD", "FULL") for reach in ("", "_TRANSITIVE")
) | {"NONE"}
# Long enough for a registry that is restarted, short enough that an operator still looks.
PATIENCE_S = 30.0
# One request; a registry answers in milliseconds.
TIMEOUT_S = 5
_UNREADABLE = "Correct registry.url: it must be the base of a Confluent-compatible interface."
_REMEDIES = {
    401: "Correct registry.user and registry.password.",
    403: "Grant the user of registry.user the right to read and to register schemas.",
    404: _UNREADABLE,
    409: 'Undo the change of the table, set registry.compatibility = "NONE" if all who read the '
    "topic can bear it, or begin a new history with another topic in the entity file.",
    422: "Correct registry.compatibility, or report the schema.",
}
_UNKNOWN_SCHEMA = 40403
# Subject not found; subject was soft deleted.
_IS_GONE = (40401, 40404)
_RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})


class Registry:
    """A client of one registry; may be shared by threads."""

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Base of the Confluent-compatible interface.
            user: For HTTP basic authentication.
            password: Of that user.
            patience_s: How long a registry that does not answer is asked again.

        Raises:
            RegistryError: The URL is not one.
        """
        self._place = redacted(url)
        self._patience_s = patience_s
        self._ids: dict[tuple[str, str, str], int] = {}
        self._schemas: dict[int, Schema] = {}
        # Its own retries are off, so that ours have one deadline.
        options: dict[str, object] = {"url": url, "timeout": TIMEOUT_S, "max.retries": 0}
        if user is not None:
            options["basic.auth.user.info"] = f"{user}:{password or ''}"
        if all(one.strip().startswith("http://") for one in url.split(",")):
            options["ssl.ca.location"] = (
                False  # To read all authorities takes 70 ms, and nobody shows a certificate.
            )
        with _our_errors(registry=self._place):
            self._client = SchemaRegistryClient(options)
        # Some ask for a schema or two and are done: whoever is last need not know that connections were made.
        weakref.finalize(self, self._client.close)

    def ensure(self, subject: str, schema: Schema, compatibility: str) -> int:
        """Register a schema, or find it where it is registered already.

        The compatibility of the subject is set first, for registries differ in their defaults.

        Args:
            subject: Such as `clinic.public.orders-value`.
            schema: The Avro schema.
            compatibility: One of `COMPATIBILITIES`.

        Returns:
            The id of the schema.

        Raises:
            RegistryError: The registry refuses it (incompatible with those before it), or does not
                answer and the schema is not one that was seen before.
        """
        text = json.dumps(schema)
        seen = subject, text, compatibility
        if seen not in self._ids:
            with _our_errors(registry=self._place, subject=subject):
                self._patiently(lambda: self._client.set_compatibility(subject, compatibility))
                proposed = RegisteredSchema(text, "AVRO")
                self._ids[seen] = self._patiently(
                    lambda: self._client.register_schema(subject, proposed)
                )
        return self._ids[seen]

    def schema(self, schema_id: int) -> Schema:
        """The schema of an id.

        Raises:
            RegistryError: The registry does not know it, or does not answer and it was not read
                before.
        """
        if schema_id not in self._schemas:
            with _our_errors(registry=self._place, schema_id=schema_id):
                found = self._patiently(lambda: self._client.get_schema(schema_id))
                self._schemas[schema_id] = json.loads(found.schema_str or "")
        return self._schemas[schema_id]

    def subjects(self) -> frozenset[str]:
        """All subjects, also those of which only a soft delete is left.

        Raises:
            RegistryError: The registry does not answer.
        """
        with _our_errors(registry=self._place):
            return frozenset(self._patiently(lambda: self._client.get_subjects(deleted=True)))

    def delete(self, subject: str) -> None:
        """Delete a subject for good, with its schemas; one that is not there is fine.

        Raises:
            RegistryError: The registry refuses, or does not answer.
        """
        with _our_errors(registry=self._place, subject=subject):
            for permanent in (False, True):  # It wants them in this order.
                try:
                    self._patiently(partial(self._client.delete_subject, subject, permanent))
                except SchemaRegistryError as error:
                    if error.error_code not in _IS_GONE:
                        raise

    def ping(self) -> None:
        """Ask once whether the registry is there and takes Avro.

        Raises:
            RegistryError: It does not answer, refuses the user, or is no registry for Avro.
        """
        with _our_errors(registry=self._place):
            kinds = self._client.get_schema_types()
        if "AVRO" not in kinds:
            raise RegistryError("it takes no Avro", remedy=_UNREADABLE, registry=self._place)

    def close(self) -> None:
        """Close the connections; what is kept can still be asked for."""
        self._client.close()

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        attempts = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_delay(self._patience_s),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        return attempts(ask)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, SchemaRegistryError):
        return error.http_status_code in _RETRIED_STATUS
    return isinstance(error, httpx2.TransportError)


@contextmanager
def _our_errors(**place: object) -> Iterator[None]:
    """Turn what the client and its HTTP library raise into errors of ours."""
    try:
        yield
    except SchemaRegistryError as error:
        raise RegistryError(_detail(error), remedy=_remedy(error), **place) from error
    except httpx2.TransportError as error:
        remedy = "Start the registry, or correct registry.url; then run the command again."
        detail = f"no answer ({type(error).__name__})"
        raise RegistryError(detail, remedy=remedy, **place) from error
    except (ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        # A web server of another kind, or an address that is none; the text might hold a password.
        raise RegistryError("this is not a registry", remedy=_UNREADABLE, **place) from error


def _detail(error: SchemaRegistryError) -> str:
    # Without a code of a registry the message is the body of the answer: somebody's web page.
    known = error.error_code != SchemaRegistryError.UNKNOWN and error.error_message
    return f"{known or 'no reason given'} (HTTP {error.http_status_code})"


def _remedy(error: SchemaRegistryError) -> str | None:
    if error.error_code == _UNKNOWN_SCHEMA:
        return "Restore the registry's schemas: records of the topics were written with this one."
    return _REMEDIES.get(error.http_status_code)
