"""The call webhook takes what is signed, says why it does not, and keeps nothing else."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from pydantic import SecretStr

from contracts.clock import ManualClock
from contracts.company import Company
from contracts.errors import Retryable
from ingest.webhook import MAX_CALLS, CallWebhook
from transforms.rows import to_rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CALL = {
    "provider": "aircall", "call_id": "7", "started_at": "2026-11-23T10:00:00Z",
    "duration_seconds": 60, "direction": "inbound", "from": "+14155550199", "to": "+14155550100",
}  # fmt: skip


class Log:
    """Keeps what was published, or refuses it."""

    def __init__(self):
        self.events = []
        self.is_down = False

    async def publish(self, events):
        if self.is_down:
            raise Retryable("no space left")
        self.events += events


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def webhook(log):
    return CallWebhook(log.publish, SecretStr("s3cret"), ManualClock(NOW))


def signature(body, secret="s3cret", at=NOW):
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return f"t={stamp},v1={digest}"


async def test_a_signed_call_is_accepted_when_the_log_has_it(webhook, log):
    body = json.dumps(CALL).encode()
    assert await webhook.receive(signature(body), body) == (202, {"accepted": 1})
    (event,) = log.events
    assert event.payload == body
    assert event.external_id.startswith("aircall/7-")
    assert event.is_live
    assert len(to_rows(event, Company(own_domains=("ourco.example",)))) == 2


async def test_an_array_of_calls_is_as_many_events(webhook, log):
    body = json.dumps([CALL, CALL | {"call_id": "8"}]).encode()
    assert (await webhook.receive(signature(body), body)).body == {"accepted": 2}
    assert len({event.external_id for event in log.events}) == 2


async def test_a_call_that_cannot_be_understood_is_kept_for_the_dead_letters(webhook, log):
    body = b'{"odd": true}'
    assert (await webhook.receive(signature(body), body)).status == 202
    assert log.events[0].payload == body


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "v1=abc",
        "t=1,v1=",
        "t=²,v1=abc",
        "t=9999999999999999,v1=abc",
        signature(b"another body"),
        signature(b"{}", secret="wrong"),
        signature(b"{}", at=NOW - timedelta(minutes=6)),
        signature(b"{}", at=NOW + timedelta(minutes=6)),
        signature(b"{}").replace("v1=", "v1=é"),
    ],
)
async def test_a_wrong_signature_is_refused_counted_and_never_stored(webhook, log, header):
    answer = await webhook.receive(header, b"{}")
    assert answer.status == 401
    assert answer.body["error"]
    assert webhook.refused == 1
    assert log.events == []


async def test_a_secret_can_be_changed_while_both_are_signed_with(webhook):
    body = json.dumps(CALL).encode()
    stamp, old = signature(body, secret="old").split(",")
    assert (await webhook.receive(f"{stamp},{old},{signature(body)[13:]}", body)).status == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"[1]", 400),
        (b'{"a": 1}, {"b": 2}', 400),
        (b'{"a": 1', 400),
        (b"[" * 100_000, 400),
        (json.dumps([{}] * (MAX_CALLS + 1)).encode(), 413),
    ],
)
async def test_a_body_that_is_no_call_is_refused_with_the_reason(webhook, log, body, status):
    answer = await webhook.receive(signature(body), body)
    assert answer.status == status
    assert log.events == []
    assert answer.body["error"]


async def test_while_the_log_is_down_the_provider_is_asked_to_send_again(webhook, log):
    log.is_down = True
    assert (await webhook.receive(signature(b"{}"), b"{}")).status == 503
