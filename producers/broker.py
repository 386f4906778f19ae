"""Clients of Kafka, and their errors as ours."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from producers.settings import CaptureSettings
from schemas.errors import PASSING_KAFKA_ERRORS, BrokerError, BrokerLostError

# Calls that ask the brokers something cannot be interrupted, and a stop must not take ten seconds.
REQUEST_TIMEOUT_S = 8.0
# librdkafka's own lines go where the program's go, not to stderr.
LOGGER = logging.getLogger("understudy.kafka")
# It calls the option experimental each time; why we set it stands at `producer`.
LOGGER.addFilter(lambda record: "enable.gapless.guarantee" not in record.getMessage())


@contextmanager
def broker_errors(**context: Any) -> Iterator[None]:
    """Turn confluent_kafka's errors into ours.

    Raises:
        BrokerLostError: Fatal for the client only, or passing; try again with a new client.
        BrokerError: Anything else that Kafka refused.
    """
    try:
        yield
    except KafkaException as error:
        raise broker_error(error.args[0], **context) from error


def broker_error(error: object, **context: Any) -> BrokerError:
    """Our error for one of librdkafka's."""
    if not isinstance(error, KafkaError):
        return BrokerError(str(error), **context)
    if error.fatal() or error.retriable() or error.name() in PASSING_KAFKA_ERRORS:
        return BrokerLostError(error.str(), code=error.name(), **context)
    return BrokerError(error.str(), code=error.name(), **context)


def admin(settings: CaptureSettings) -> AdminClient:
    """A client for topics and offsets."""
    return AdminClient(
        {
            "bootstrap.servers": settings.bootstrap,
            "client.id": settings.client,
            **settings.kafka_options,
        },
        logger=LOGGER,
    )


def producer(settings: CaptureSettings, on_error: Callable[[KafkaError], None]) -> Producer:
    """The idempotent producer.

    enable.gapless.guarantee makes it stop for good where a record that failed would otherwise be
    left out while later ones go through; without it a report for a later record would prove
    nothing for the earlier ones.
    """
    return Producer(
        {
            **settings.producer_options,
            "error_cb": on_error,
        },
        logger=LOGGER,
    )
