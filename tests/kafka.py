"""A real Apache Kafka for the test session."""

import os
from collections.abc import Iterator

import pytest

from local.kafka.broker import Broker, missing
from tests.services import need


@pytest.fixture(scope="session")
def kafka_is_here() -> None:
    """Skip where no broker can be started."""
    if os.environ.get("HEADWATER_KAFKA") == "untested":
        pytest.skip("Apache Kafka's jars could not be had")
    why = missing()
    need(not why, why)


@pytest.fixture(scope="session")
def kafka(kafka_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's broker; tests share it, so take topics and groups of your own."""
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
