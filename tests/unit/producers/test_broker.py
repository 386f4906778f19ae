import logging
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError

import consumers.broker
import producers.broker
from producers.settings import CaptureSettings
from schemas.errors import PASSING_KAFKA_ERRORS, BrokerError, BrokerLostError
from schemas.registry import Registry

NOWHERE = "127.0.0.1:1"
SIDES = [producers.broker.broker_error, consumers.broker.broker_error]


@pytest.mark.parametrize("judge", SIDES)
@pytest.mark.parametrize("name", sorted(PASSING_KAFKA_ERRORS))
def test_what_passes_is_known_to_the_client_by_that_name_and_tried_again_on_both_sides(
    name: str, judge: Callable[[object], BrokerError]
) -> None:
    error = KafkaError(getattr(KafkaError, name))
    assert error.name() == name
    assert type(judge(error)) is BrokerLostError


@pytest.mark.parametrize("judge", SIDES)
def test_a_right_that_is_missing_does_not_pass(judge: Callable[[object], BrokerError]) -> None:
    assert type(judge(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))) is BrokerError


def test_the_producer_guarantees_that_there_is_no_gap_and_nobody_is_warned_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = Registry(f"http://{NOWHERE}")
    settings = CaptureSettings(
        pipeline="p", source_dsn="", bootstrap=NOWHERE, registry=registry, tables=()
    )
    assert settings.producer_options["enable.gapless.guarantee"] is True
    with caplog.at_level(logging.DEBUG, producers.broker.LOGGER.name):
        client = producers.broker.producer(settings, on_error=lambda _: None)
        client.poll(0.01)
    registry.close()
    assert [line for line in caplog.messages if "CONFWARN" in line] == []
