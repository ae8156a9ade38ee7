"""How many messages wait in the log for the workers."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed
from yarl import URL

from contracts import topics
from contracts.errors import Retryable
from local.log.store import Log
from settings import Settings


def lag(settings: Settings) -> int:
    """Return how many messages of the log no worker has committed yet.

    Raises:
        Retryable: if the log can't be asked now.
    """
    if settings.log_path is None:
        return asyncio.run(_of_kafka(URL(settings.broker_url).authority))
    log = Log(settings.log_path)
    try:
        done = log.committed(topics.GROUP)
        return sum(
            bounds.next - max(bounds.low, done.get(place, 0))
            for place, bounds in log.bounds().items()
        )
    finally:
        log.close()


async def _of_kafka(address: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    try:
        await admin.start()
        await consumer.start()
        done = await _committed(admin)
        known = await consumer.topics() & {topic.name for topic in topics.ALL}
        described = await admin.describe_topics(sorted(known))
        places = [
            TopicPartition(one["topic"], part["partition"])
            for one in described
            for part in one["partitions"]
        ]
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
    except KafkaError as error:
        raise Retryable(f"the log at {address} does not answer: {error}") from error
    finally:
        await consumer.stop()
        await admin.close()
    return sum(
        ends[place] - max(starts[place], done[place].offset if place in done else 0)
        for place in places
    )


@retry(
    retry=retry_if_exception_type(GroupCoordinatorNotAvailableError),
    wait=wait_fixed(0.2),
    stop=stop_after_delay(10),
    reraise=True,
)
async def _committed(admin: AIOKafkaAdminClient) -> Any:
    """Ask again while a new broker makes the place where offsets are kept."""
    return await admin.list_consumer_group_offsets(topics.GROUP)
