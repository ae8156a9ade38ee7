"""The two transports that the platform speaks, each with our drain."""

from typing import Final

from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as kafka

from ingest.drain import Drain
from local.log import transport as sqlite


class SqliteConsumer(Drain, sqlite.Consumer):
    """Reads the log of one machine."""


class SqliteTransport(sqlite.Transport):
    """`sqlite:////path/log.db`."""

    Consumer = SqliteConsumer


class KafkaConsumer(Drain, kafka.Consumer):
    """Reads Apache Kafka."""


class KafkaTransport(kafka.Transport):
    """`kafka://host:9092`."""

    Consumer = KafkaConsumer


SCHEMES: Final = {"sqlite": SqliteTransport, "kafka": KafkaTransport}


def register() -> None:
    """Tell Faust which transport a broker URL's scheme means."""
    for scheme, transport in SCHEMES.items():
        TRANSPORTS.aliases[scheme] = f"{transport.__module__}:{transport.__name__}"
