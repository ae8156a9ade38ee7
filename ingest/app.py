"""Assembles the worker: the log, the agents, the doors."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import faust
import structlog
from faust.web import View
from mode import CrashingSupervisor
from typing_extensions import override

from contracts import topics
from contracts.clock import Clock
from contracts.errors import HeadwaterError
from contracts.wire import Event
from ingest import commands, webhook
from ingest.agents import Agents
from ingest.batches import Limits
from ingest.door import serve
from ingest.fuller import FullerFirst
from ingest.late import LateHeaders
from ingest.learners import Learners
from ingest.mailboxes import Mailboxes, owns
from ingest.matching import Matcher
from ingest.meetings import Meetings
from ingest.publish import LogPublisher
from ingest.replay import Replayer
from ingest.retention import expire
from ingest.suppression import Suppression
from ingest.transport import SqliteTransport, connect
from settings import Settings, erasure_key, secret
from transforms.rows import to_rows
from warehouse.reader import Reader
from warehouse.writer import Writer

log = structlog.get_logger()

_CATCH_UP_SECONDS: Final = 5.0
_EXPIRE_SECONDS: Final = 3600.0
_FETCH_MESSAGES: Final = 500
_BUFFER_RUNS: Final = 4
"""Lists of up to as many messages as a fetch has, of one partition each, wait for an agent."""


def build_app(settings: Settings, clock: Clock) -> faust.App:
    """Return the worker's app, not started.

    Args:
        settings: with the warehouse's address.
        clock: of everything that the worker stamps.
    """
    app = open_app(settings)
    publisher = LogPublisher(app)
    _add_agents(app, publisher, settings, clock)
    _add_doors(app, publisher, settings, clock)
    _add_late_headers(app, publisher, settings, clock)
    _add_meetings(app, publisher, settings, clock)
    Mailboxes(app, publisher, settings, clock).add()
    _add_retention(app, clock)
    return app


def open_app(settings: Settings) -> faust.App:
    """Return an app without agents, its doors open; an error that leaves one stops it."""
    app = connect(
        settings,
        topics.GROUP,
        agent_supervisor=CrashingSupervisor,
        broker_max_poll_records=_FETCH_MESSAGES,
        stream_buffer_maxsize=_BUFFER_RUNS,
        web_bind=settings.bind,
        web_host="127.0.0.1",
        web_port=settings.worker_port,
    )
    _add_health(app)
    return app


def _add_agents(
    app: faust.App,
    publisher: LogPublisher,
    settings: Settings,
    clock: Clock,
) -> None:
    url = settings.warehouse_url
    limits = Limits(settings.batch_size, settings.batch_seconds)
    agents = Agents(app, publisher, limits, clock)
    company = settings.company
    learners = Learners(Reader(url), lambda event: to_rows(event, company))
    suppression = Suppression(Reader(url), erasure_key(settings), company, learners.to_rows)
    for topic in topics.HEARD.values():
        keep = FullerFirst(Reader(url), Writer(url)).write
        agents.add_capture(topic, suppression.to_rows, keep)
    agents.add_dead_letters(Writer(url).write)
    rules = settings.matching
    matcher, writer = Matcher(Reader(url), company, clock, rules), Writer(url)
    agents.add_match(matcher.match, writer.write)
    _add_catch_up(app, Matcher(Reader(url), company, clock, rules), writer)
    replayer = Replayer(Reader(url), Writer(url), publisher, clock)
    inherited = Matcher(Reader(url), company, clock, rules).inherited
    obey = commands.Commands(
        Reader(url), Writer(url), lambda reason: replayer.replay(reason=reason), inherited
    )
    agents.add_commands(obey.carry_out)


def _add_catch_up(app: faust.App, matcher: Matcher, writer: Writer) -> None:
    """Match again what was matched before the CRM changed, soon after it did."""

    @app.timer(interval=_CATCH_UP_SECONDS)
    async def catch_up() -> None:
        try:
            changed = await asyncio.to_thread(matcher.catch_up, writer)
        except HeadwaterError as error:
            log.warning("matching again has to wait", why=str(error))
        else:
            if changed:
                log.info("matched again", changed=changed)


def _add_late_headers(
    app: faust.App, publisher: LogPublisher, settings: Settings, clock: Clock
) -> None:
    """Make activities of headers that waited for the CRM, soon after it knows their people."""
    url = settings.warehouse_url
    late = LateHeaders(Reader(url), Writer(url), publisher, settings)

    @app.timer(interval=_CATCH_UP_SECONDS)
    async def catch_up() -> None:
        if not owns(app, "quarantine"):
            return
        try:
            if found := await asyncio.to_thread(late.find):
                await late.publish(found)
                await asyncio.to_thread(late.mark, found, clock.now())
        except HeadwaterError as error:
            log.warning("headers have to wait", why=str(error))


def _add_meetings(
    app: faust.App, publisher: LogPublisher, settings: Settings, clock: Clock
) -> None:
    """Make activities of the meetings that calendars told of, soon after they ended."""
    url = settings.warehouse_url
    meetings = Meetings((Reader(url), Writer(url)), publisher, settings.company)

    @app.timer(interval=_CATCH_UP_SECONDS)
    async def catch_up() -> None:
        if not owns(app, "meetings"):
            meetings.forget()
            return
        try:
            await meetings.catch_up(clock)
        except HeadwaterError as error:
            log.warning("meetings have to wait", why=str(error))


def _add_doors(app: faust.App, publisher: LogPublisher, settings: Settings, clock: Clock) -> None:
    async def log_command(data: bytes) -> None:
        await publisher.send_bytes(topics.COMMANDS, "command", data)

    company = settings.company
    suppression = Suppression(
        Reader(settings.warehouse_url), erasure_key(settings), company,
        lambda event: to_rows(event, company),
    )  # fmt: skip

    async def publish(events: Sequence[Event]) -> None:
        with suppress(HeadwaterError):  # the warehouse may be away: calls are taken all the same
            events = await asyncio.to_thread(lambda: [*map(suppression.before_log, events)])
        await publisher.publish(events)

    signing = secret(settings.home, "webhook_secret", settings.webhook_secret)
    calls = webhook.CallWebhook(publish, signing, clock)
    serve(app, webhook.PATH, webhook.SIGNATURE_HEADER, webhook.MAX_BODY_BYTES, calls.receive)
    token = secret(settings.home, "command_token", settings.command_token)
    door = commands.CommandDoor(log_command, token)
    serve(app, commands.PATH, commands.HEADER, commands.MAX_BODY_BYTES, door.receive)


def _add_health(app: faust.App) -> None:
    @app.page("/healthz")
    class Health(View):
        """Answers 200 once this worker reads the log, 503 while it stands by."""

        @override
        async def get(self, request: Any) -> Any:
            """Say whether this worker reads."""
            reads = bool(app.consumer.assignment())
            return self.json({"reads": reads}, status=200 if reads else 503)

    @app.page("/livez")
    class Life(View):
        """Answers 200 while the worker runs, whether it reads or stands by."""

        @override
        async def get(self, request: Any) -> Any:
            """Say that it runs."""
            return self.json({"lives": True})


def _add_retention(app: faust.App, clock: Clock) -> None:
    transport = app.transport
    if not isinstance(transport, SqliteTransport):
        return
    store = transport.open_log()

    @app.task
    async def expire_log() -> None:
        while not app.should_stop:
            try:
                await asyncio.to_thread(expire, store, clock)
            except HeadwaterError as error:
                log.warning("records expire later", why=str(error))
            await app.sleep(_EXPIRE_SECONDS)
