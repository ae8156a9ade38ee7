"""What travels in the log decodes for ever, and what cannot be read is refused with a reason.

The fixtures are bytes of every version so far. Those of a new version are added, once, by

    python -m tests.fixtures.wire.make

and those that are there are never written again.
"""

from pathlib import Path

import msgspec
import pytest

from contracts.errors import Rejected
from contracts.wire import (
    SCHEMA_VERSION,
    DeadLetter,
    Envelope,
    RecordedBatch,
    decode_dead_letter,
    decode_envelope,
    decode_recorded,
    encode,
)
from tests.fixtures.wire.make import CALL, CRM, EXAMPLES, MAIL

FOLDER = Path(__file__).parents[2] / "fixtures" / "wire"
DECODERS = {
    Envelope: decode_envelope,
    RecordedBatch: decode_recorded,
    DeadLetter: decode_dead_letter,
}
NAMES = sorted(EXAMPLES)


def decoded(name: str, data: bytes) -> object:
    return DECODERS[type(EXAMPLES[name])](data)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_the_bytes_of_every_version_decode_for_ever(name, version):
    data = (FOLDER / f"v{version}-{name}.msgpack").read_bytes()
    assert decoded(name, data) == EXAMPLES[name]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_today_is_what_the_newest_fixture_holds(name):
    """So a change of the wire cannot go unnoticed: it needs a new version, and its fixture."""
    data = (FOLDER / f"v{SCHEMA_VERSION}-{name}.msgpack").read_bytes()
    assert encode(EXAMPLES[name]) == data


def test_every_kind_of_event_and_every_message_has_a_fixture():
    assert {type(example) for example in EXAMPLES.values()} == set(DECODERS)
    assert {event.kind for event in (MAIL, CALL, CRM)} == {"mail", "call", "crm"}


@pytest.mark.parametrize("name", NAMES)
def test_a_message_of_a_newer_version_is_refused_even_if_its_fields_have_changed(name):
    told = msgspec.msgpack.decode(encode(EXAMPLES[name]))
    for newer in (
        told | {"schema_version": SCHEMA_VERSION + 1},
        told | {"schema_version": SCHEMA_VERSION + 1, "new_field": {"a": [1]}},
        dict.fromkeys(told, "of another type") | {"schema_version": 99},
        {"schema_version": 99},
    ):
        with pytest.raises(Rejected, match="newer than 1: upgrade this worker") as rejected:
            decoded(name, msgspec.msgpack.encode(newer))
        assert rejected.value.reason == "bad_schema_version"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"hello",
        b"\x81",
        encode(EXAMPLES["envelope"])[:-1],
        encode(EXAMPLES["envelope"]) + b"\x00",
        msgspec.msgpack.encode({"events": None}),
        msgspec.msgpack.encode({"schema_version": "1", "events": []}),
        msgspec.msgpack.encode([1, 2]),
        b"\x81\xa1x" + b"\x91" * 100_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_message_is_refused_as_such(data):
    for decode in DECODERS.values():
        with pytest.raises(Rejected) as rejected:
            decode(data)
        assert rejected.value.reason == "bad_wire"


def test_a_field_that_is_not_known_yet_is_passed_over():
    """A newer worker may add one within a version."""
    told = msgspec.msgpack.decode(encode(EXAMPLES["envelope"]))
    told["events"][0]["priority"] = 7
    assert decode_envelope(msgspec.msgpack.encode(told)) == EXAMPLES["envelope"]
