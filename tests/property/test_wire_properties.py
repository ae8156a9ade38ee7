"""The laws of the wire."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import Rejected
from contracts.wire import (
    DeadLetter,
    Envelope,
    Event,
    Recorded,
    RecordedBatch,
    decode_dead_letter,
    decode_envelope,
    decode_recorded,
    encode,
)

text = st.text(st.characters(codec="utf-8"), max_size=30)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2299, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 bounds
events = st.builds(
    Event,
    kind=st.sampled_from(["mail", "call", "crm"]),
    source=text,
    external_id=text,
    observer=text,
    ingest_run=text,
    received_at=moments,
    payload=st.binary(max_size=200),
)
envelopes = st.builds(Envelope, events=st.lists(events, max_size=5).map(tuple))
recorded = st.builds(
    Recorded,
    activity_id=st.uuids(),
    event_time=moments,
    outside=st.lists(text, max_size=4).map(tuple),
)
batches = st.builds(RecordedBatch, activities=st.lists(recorded, max_size=5).map(tuple))
letters = st.builds(
    DeadLetter,
    topic=text,
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    position=st.integers(-1, 2**31 - 1),
    reason=text,
    detail=text,
    failed_at=moments,
    event=st.none() | events,
    payload=st.binary(max_size=200),
)
MESSAGES = [
    pytest.param(envelopes, decode_envelope, id="envelope"),
    pytest.param(batches, decode_recorded, id="recorded"),
    pytest.param(letters, decode_dead_letter, id="dead_letter"),
]


@pytest.mark.parametrize(("messages", "decode"), MESSAGES)
@settings(max_examples=60)
@given(data=st.data())
def test_what_is_encoded_and_decoded_is_the_same(messages, decode, data):
    message = data.draw(messages)
    assert decode(encode(message)) == message
    assert encode(decode(encode(message))) == encode(message)


@pytest.mark.parametrize(("messages", "decode"), MESSAGES)
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_bytes_are_a_message_or_refused_and_nothing_else(messages, decode, data):
    sound = bytearray(encode(data.draw(messages)))
    for _ in range(data.draw(st.integers(1, 5))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(sound[: data.draw(st.integers(0, len(sound)))])
    for damaged in (bytes(sound), cut):
        with suppress(Rejected):
            message = decode(damaged)
            assert decode(encode(message)) == message


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    for decode in (decode_envelope, decode_recorded, decode_dead_letter):
        with pytest.raises(Rejected) as rejected:
            decode(data)
        assert rejected.value.reason == "bad_wire"
