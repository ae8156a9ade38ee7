"""The call webhook: providers post their calls, signed, and hear 202 once the log has them."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final

import msgspec
import structlog
from pydantic import SecretStr

from contracts.clock import Clock
from contracts.errors import HeadwaterError
from contracts.wire import Event
from ingest.door import Answer
from transforms.calls import call_name

PATH: Final = "/webhooks/calls"
SOURCE: Final = "webhook:calls"
INGEST_RUN: Final = "webhook"
TOLERANCE: Final = timedelta(minutes=5)
MAX_BODY_BYTES: Final = 1_000_000
MAX_CALLS: Final = 500
SIGNATURE_HEADER: Final = "X-Headwater-Signature"

Publish = Callable[[Sequence[Event]], Awaitable[None]]
"""Returns when the log has the events; raises HeadwaterError if it could not take them."""

log = structlog.get_logger()
_ANY: Final = ("utf-8", "replace")
_calls: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Refused(HeadwaterError):
    """The request is not carried out, and nothing of it is kept."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CallWebhook:
    """Takes signed calls: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.

    Args:
        publish: to the log.
        secret: shared with the provider.
        clock: a signature is taken for five minutes, so that a stolen one is soon worth nothing.
    """

    def __init__(self, publish: Publish, secret: SecretStr, clock: Clock) -> None:
        self._publish = publish
        self._secret = secret
        self._clock = clock
        self.refused = 0

    async def receive(self, signature: str, body: bytes) -> Answer:
        """Publish the calls of a request and answer when the log has them."""
        try:
            self._verify(signature, body)
            calls = _read(body)
        except Refused as refused:
            self.refused += 1
            log.warning("call webhook refused", why=str(refused), refused=self.refused)
            return Answer(refused.status, {"error": str(refused)})
        try:
            await self._publish([self._event(call) for call in calls])
        except HeadwaterError as error:
            log.error("the log took no calls", why=str(error))  # noqa: TRY400 the cause is in it
            return Answer(503, {"error": "the log can't take it now: send it again later"})
        return Answer(202, {"accepted": len(calls)})

    def _verify(self, signature: str, body: bytes) -> None:
        parts = [part.strip().partition("=") for part in signature.split(",")]
        stamp = next((value for name, _, value in parts if name == "t"), "")
        given = [value for name, _, value in parts if name == "v1"]
        if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12 or not given:  # noqa: PLR2004 seconds, not more
            raise Refused(401, f"{SIGNATURE_HEADER} must be t=<unix seconds>,v1=<hex HMAC-SHA256>")
        signed = hmac.new(
            self._secret.get_secret_value().encode(), stamp.encode() + b"." + body, sha256
        )
        expected = signed.hexdigest().encode()
        if not any(hmac.compare_digest(expected, each.encode(*_ANY)) for each in given):
            raise Refused(401, "the signature does not fit the body and our secret")
        if abs(self._clock.now().timestamp() - int(stamp)) > TOLERANCE.total_seconds():
            raise Refused(401, "the signature is older than 5 minutes: sign again, check the clock")

    def _event(self, call: bytes) -> Event:
        provider, call_id = call_name(call)
        return Event(
            kind="call",
            source=SOURCE,
            external_id=f"{provider}/{call_id}-{sha256(call).hexdigest()[:16]}",
            observer=provider,
            ingest_run=INGEST_RUN,
            received_at=self._clock.now(),
            payload=call,
            is_live=True,
        )


def _read(body: bytes) -> list[bytes]:
    """Return the body's calls, byte for byte."""
    many = body.strip().startswith(b"[")
    try:
        calls = _calls.decode(body if many else b"[" + body + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if len(calls) > MAX_CALLS:
        raise Refused(413, f"{len(calls)} calls are more than {MAX_CALLS}: send fewer at a time")
    payloads = [bytes(call).strip() for call in calls]
    is_one = many or len(payloads) == 1
    if not payloads or not is_one or not all(call.startswith(b"{") for call in payloads):
        raise Refused(400, "the body must be one JSON object, or an array of them")
    return payloads
