"""A live day of the demo's company, and how soon each event can be seen by a dashboard query."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx
import numpy as np

from contracts.clock import Clock, SystemClock
from contracts.errors import HeadwaterError, Retryable, UserError
from contracts.rows import ActivityRow
from contracts.wire import Event, EventKind
from settings import Settings
from simulator.live import LiveCall, LiveMail, deliver_mail
from transforms.rows import to_rows
from warehouse.reader import Reader

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 120
_AGAIN_SECONDS = 0.5
_VISIBLE = "SELECT activity_id FROM live.activity WHERE activity_id IN %(waited_for)s"


@dataclass(frozen=True)
class Freshness:
    """Seconds from the moment an event was sent to the moment a dashboard query saw it."""

    count: int
    p50_seconds: float
    p99_seconds: float


class LiveDay:
    """Delivers live events through the doors and watches for them to appear.

    Args:
        settings: of the running stack.
        mail: the folder of maildirs that the follower watches.
    """

    def __init__(self, settings: Settings, mail: Path, clock: Clock | None = None) -> None:
        self._settings = settings
        self._mail = mail
        self._clock = clock or SystemClock()
        self._reader = Reader(settings.warehouse_url)
        self._sent: dict[UUID, float] = {}
        self._delays: list[float] = []

    async def run(self, events: Iterable[LiveMail | LiveCall], rate_per_second: float) -> None:
        """Deliver every event, evenly spaced, and watch until all have appeared.

        Raises:
            UserError: if one has not appeared after two minutes.
            HeadwaterError: if the worker refuses a call.
        """
        async with httpx.AsyncClient(timeout=10) as client:
            sending = asyncio.create_task(self._send_all(client, events, rate_per_second))
            while not sending.done() or self._sent:
                if sending.done():
                    sending.result()  # what went wrong is told before patience ends
                await asyncio.to_thread(self._look)
                await asyncio.sleep(_POLL_SECONDS)
            await sending

    def freshness(self) -> Freshness:
        """Return how long the events took that have appeared so far."""
        p50, p99 = np.quantile(self._delays, [0.5, 0.99])
        return Freshness(len(self._delays), float(p50), float(p99))

    async def _send_all(
        self, client: httpx.AsyncClient, events: Iterable[LiveMail | LiveCall], rate: float
    ) -> None:
        for event in events:
            await self._send(client, event)
            await asyncio.sleep(1 / rate)

    async def _send(self, client: httpx.AsyncClient, event: LiveMail | LiveCall) -> None:
        activity_id = self._activity_id(event)
        self._sent[activity_id] = monotonic()
        if isinstance(event, LiveMail):
            deliver_mail(self._mail, event)
        else:
            await self._post(client, event)

    async def _post(self, client: httpx.AsyncClient, call: LiveCall) -> None:
        """Post a call; again, as a phone system does, while the worker is being started again."""
        while True:
            try:
                return await post_call(client, self._settings, call.payload, self._clock)
            except httpx.TransportError:
                await asyncio.sleep(_AGAIN_SECONDS)

    def _activity_id(self, event: LiveMail | LiveCall) -> UUID:
        kind: EventKind = "mail" if isinstance(event, LiveMail) else "call"
        payload = (
            next(iter(event.copies.values()))
            if isinstance(event, LiveMail)
            else json.dumps(event.payload).encode()
        )
        heard = Event(
            kind=kind,
            source="live",
            external_id="",
            observer="",
            ingest_run="",
            received_at=self._clock.now(),
            payload=payload,
        )
        rows = to_rows(heard, self._settings.company)
        return next(row.activity_id for row in rows if isinstance(row, ActivityRow))

    def _look(self) -> None:
        if not self._sent:
            return
        seen: Iterable[object] = ()
        with suppress(Retryable):  # the warehouse is being started again: it is asked again
            seen = self._reader.frame(_VISIBLE, {"waited_for": list(self._sent)})["activity_id"]
        now = monotonic()
        self._delays += [now - self._sent.pop(UUID(str(activity_id))) for activity_id in seen]
        late = [
            activity_id for activity_id, at in self._sent.items() if now - at > _PATIENCE_SECONDS
        ]
        if late:
            raise UserError(
                f"{len(late)} live events have not appeared within {_PATIENCE_SECONDS} s, "
                f"{late[0]} among them: `headwater status` and the logs in "
                f"{self._settings.home / 'logs'} tell where they are"
            )


async def post_call(
    client: httpx.AsyncClient, settings: Settings, payload: object, clock: Clock
) -> None:
    """Post one call, or a list of calls, to the worker's signed webhook.

    Raises:
        HeadwaterError: if the worker refuses it.
    """
    body = json.dumps(payload).encode()
    stamp = str(int(clock.now().timestamp()))
    key = settings.webhook_secret.get_secret_value().encode()
    digest = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    answer = await client.post(
        f"http://127.0.0.1:{settings.worker_port}/webhooks/calls",
        content=body,
        headers={"X-Headwater-Signature": f"t={stamp},v1={digest}"},
    )
    if not answer.is_success:
        raise HeadwaterError(f"the call webhook answered {answer.status_code}: {answer.text}")
