"""An erasure where Kafka is the log: its records expire, and until then none reaches a table."""

import asyncio
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from contracts import topics
from contracts.clock import SystemClock
from contracts.wire import Event
from ingest.bring import bring_in
from ingest.erase import Erasure
from ingest.publish import Publisher
from local.kafka.broker import Broker
from local.ports import free_port
from settings import Settings
from tests.integration.test_capture import COMPANY
from tests.integration.test_erasure import ADDRESS, PHONE, holds, in_tables, mail, rows, sources
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate

pytestmark = [pytest.mark.kafka, pytest.mark.stack]


@pytest.fixture(scope="module")
def settings(kafka_is_here, tmp_path_factory):
    """A broker, a warehouse and a worker that run, and in both whom we are about to erase."""
    home = tmp_path_factory.mktemp("erasure")
    (home / "headwater.toml").write_text(COMPANY)
    with Broker(tmp_path_factory.mktemp("kafka")) as broker, serving(home) as (served, _):
        migrate(url_of(served))
        settings = Settings(
            home=home, warehouse_url=url_of(served), worker_port=free_port(),
            log_url=f"kafka://{broker.address}", webhook_secret=SecretStr("hook"),
            command_token=SecretStr("token"),
        )  # fmt: skip
        secrets = {"webhook_secret": "hook", "command_token": "token"}
        port, log_url = settings.worker_port, settings.log_url
        with working(home, settings.warehouse_url, port, log_url=log_url, **secrets):
            for source in sources(tmp_path_factory.mktemp("heard")):
                asyncio.run(bring_in(settings, source))
            yield settings


@pytest.fixture(scope="module")
def receipts(settings):
    """What the erasures of the address and the number say."""
    assert list(in_tables(settings))
    told = []
    for who in (ADDRESS, PHONE):
        erasure = Erasure(settings, who, SystemClock())
        told.append(erasure.run("asked for"))
        erasure.close()
    return told


def test_tables_are_clean_at_once_and_the_receipt_names_the_day_of_the_log(settings, receipts):
    assert not list(in_tables(settings))
    kept_for = timedelta(days=topics.LONGEST_DAYS)
    for receipt in receipts:
        assert receipt.log_records == 0
        assert receipt.log_clean_on == receipt.done_at.date() + kept_for
    assert asyncio.run(is_in_log(settings)), "no one can change Kafka's records"


def test_no_record_outlives_the_day_on_the_receipt(settings, receipts):
    for name, config in asyncio.run(configurations(settings)).items():
        longest = timedelta(milliseconds=int(config["retention.ms"]) + int(config["segment.ms"]))
        assert longest <= receipts[0].log_clean_on - receipts[0].done_at.date(), name
        assert config["cleanup.policy"] == "delete"


def test_what_was_in_flight_reaches_no_table(settings, receipts):
    late = {
        "alone": mail("late", ADDRESS, "kim@ourco.example", "Late"),
        "named": mail("late2", "sam@acme.example", "kim@ourco.example", f"Ask {PHONE}, {ADDRESS}"),
    }
    asyncio.run(publish(settings, late))
    wait_until(lambda: outcomes(settings), {"alone": "erased", "named": ""})
    assert not list(in_tables(settings))


def outcomes(settings):
    sql = "SELECT external_id, reason FROM raw.sighting FINAL WHERE source = 'late'"
    return dict(rows(settings, sql))


async def publish(settings, mails):
    events = [
        Event(
            kind="mail", source="late", external_id=name, observer="x", ingest_run="r",
            received_at=SystemClock().now(), payload=payload,
        )
        for name, payload in mails.items()
    ]  # fmt: skip
    async with Publisher(settings) as publisher:
        await publisher.publish(events)


async def is_in_log(settings):
    """Whether a record in the topic of mail holds the person."""
    consumer = AIOKafkaConsumer(
        topics.MAIL.name, bootstrap_servers=address(settings), group_id="looks",
        auto_offset_reset="earliest", enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for record in consumer:
                if holds(record.value):
                    return True
    finally:
        await consumer.stop()


async def configurations(settings):
    """The configuration of each of our topics, as the broker tells it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address(settings))
    await admin.start()
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics.ALL]
        (answer,) = await admin.describe_configs(asked)
        return {
            name: {entry[0]: entry[1] for entry in entries}
            for _, _, _, name, entries in answer.resources
        }
    finally:
        await admin.close()


def address(settings):
    return settings.log_url.removeprefix("kafka://")
