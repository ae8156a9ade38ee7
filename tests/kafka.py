"""A real Apache Kafka for the test session, and the means to start others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.kafka.broker import Broker, missing
from tests.services import need


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's broker; tests share it, so take topics and groups of your own."""
    yield from _serving(tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may kill."""
    yield from _serving(tmp_path / "kafka")


def _serving(folder: Path) -> Iterator[Broker]:
    if os.environ.get("HEADWATER_KAFKA") == "untested":
        pytest.skip("Apache Kafka's jars could not be had")
    why = missing()
    need(not why, why)
    with Broker(folder) as broker:
        yield broker
