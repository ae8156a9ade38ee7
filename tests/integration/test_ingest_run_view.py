"""The account of a run adds up in every constellation, and stays what it is under replays.

Messages go through the real capture into the real warehouse; only the log is left out.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.clock import ManualClock
from contracts.company import Company
from contracts.rows import DeadLetterRow, Row, SightingRow
from contracts.wire import DeadLetter, Envelope, Event, EventKind, decode_envelope, encode
from ingest.dead_letter import to_row
from ingest.pipeline import Message, Pipeline, Refused
from transforms.rows import to_rows
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))
FATES = ("activities", "records", "repeated", "excluded", "dead_lettered")
ACCOUNT = "SELECT * FROM live.ingest_run"

Account = dict[str, int]


class Hearing:
    """Hears mail and writes what becomes of it, as the worker does; its clock moves on."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader
        self._clock = ManualClock(NOON)
        self._offset = 0
        self._capture = Pipeline(
            lambda data: decode_envelope(data).events,
            lambda event: to_rows(event, COMPANY),
            writer.write,
        )

    def event(
        self, run: str, external_id: str, payload: str, *, kind: EventKind = "mail", box: str = "a"
    ) -> Event:
        self._clock.advance(timedelta(seconds=1))
        return Event(
            kind=kind,
            source=f"test:{box}",
            external_id=external_id,
            observer=box,
            ingest_run=run,
            received_at=self._clock.now(),
            payload=payload.encode(),
        )

    def message(self, events: Sequence[Event]) -> Message:
        self._offset += 1
        value = encode(Envelope(events=tuple(events)))
        return Message(topic="heard.mail", partition=0, offset=self._offset, value=value)

    def carry_out(self, *messages: Message) -> list[DeadLetterRow]:
        self._clock.advance(timedelta(seconds=1))
        letters = [self._letter(refused) for refused in self._capture.carry_out(messages).refused]
        self._writer.write(letters)
        return letters

    def _letter(self, refused: Refused[Event]) -> DeadLetterRow:
        message, why = refused.message, refused.why
        return to_row(
            DeadLetter(
                topic=message.topic,
                partition=message.partition,
                offset=message.offset,
                position=refused.position,
                reason=why.reason,
                detail=why.detail,
                failed_at=self._clock.now(),
                event=refused.item,
                payload=b"" if refused.item else message.value,
            )
        )

    def hear(self, *events: Event) -> list[DeadLetterRow]:
        return self.carry_out(self.message(events))

    def write(self, *rows: Row) -> None:
        self._writer.write(rows)

    def accounts(self) -> dict[str, Account]:
        """Return every run's account; each must add up."""
        found = {}
        for row in self._reader.frame(ACCOUNT).to_dict("records"):
            counts = {name: row[name] for name in ("seen", *FATES)}
            assert counts["seen"] == sum(counts[fate] for fate in FATES), row
            found[row["ingest_run"]] = {name: count for name, count in counts.items() if count}
        return found

    def reasons(self, run: str) -> dict[str, int]:
        frame = self._reader.frame(f"{ACCOUNT} WHERE ingest_run = %(run)s", {"run": run})
        return dict(frame["reasons"].iloc[0])


@pytest.fixture
def hearing(writer: Writer, reader: Reader) -> Hearing:
    return Hearing(writer, reader)


def mail(name: str, to: str = "kim@ourco.example", subject: str = "Offer") -> str:
    return (
        f"From: jo@acme.example\nTo: {to}\nMessage-ID: <{name}-0001@acme.example>\n"
        f"Date: Mon, 23 Nov 2026 09:00:00 +0000\nSubject: {subject}\n\nHello"
    )


CONFIDENTIAL = mail("secret", subject="confidential: salaries")
CRM = '{"entity": "account", "record": {"account_id": "acme", "name": "Acme"}}'
NOBODY = "Subject: from nobody, to nobody\n\nHello"


def test_a_run_says_what_became_of_everything(hearing: Hearing) -> None:
    hearing.hear(
        hearing.event("r1", "1", mail("one")),
        hearing.event("r1", "2", mail("two")),
        hearing.event("r1", "3", mail("one"), box="b"),
        hearing.event("r1", "4", CONFIDENTIAL),
        hearing.event("r1", "5", NOBODY),
        hearing.event("r1", "6", '{"entity": "account", "record": {}}', kind="crm"),
        hearing.event("r1", "7", CRM, kind="crm"),
    )
    assert hearing.accounts() == {
        "r1": {
            "seen": 7,
            "activities": 2,
            "records": 1,
            "repeated": 1,
            "excluded": 1,
            "dead_lettered": 2,
        }
    }
    assert hearing.reasons("r1") == {
        "excluded: subject_word": 1,
        "dead_lettered: no_participants": 1,
        "dead_lettered: bad_record": 1,
    }


def test_the_same_run_twice_repeats_everything_but_what_is_excluded(hearing: Hearing) -> None:
    for run in ("r1", "r2"):
        hearing.hear(
            hearing.event(run, "1", mail("one")),
            hearing.event(run, "2", mail("two")),
            hearing.event(run, "c", CRM, kind="crm"),
            hearing.event(run, "x", CONFIDENTIAL),
        )
    assert hearing.accounts() == {
        "r1": {"seen": 4, "activities": 2, "records": 1, "excluded": 1},
        "r2": {"seen": 4, "repeated": 3, "excluded": 1},
    }


def test_the_same_mail_in_two_mailboxes_is_one_activity(hearing: Hearing) -> None:
    hearing.hear(hearing.event("kim", "1", mail("one"), box="kim"))
    hearing.hear(hearing.event("lee", "9", mail("one"), box="lee"))
    assert hearing.accounts() == {
        "kim": {"seen": 1, "activities": 1},
        "lee": {"seen": 1, "repeated": 1},
    }


def test_an_envelope_that_is_replayed_takes_no_activity_from_its_run(hearing: Hearing) -> None:
    """The worker was killed after the rows were durable and before the offset was."""
    first = hearing.message([hearing.event("r1", str(n), mail(f"m{n}")) for n in range(5)])
    hearing.carry_out(first)
    hearing.hear(*(hearing.event("r2", str(n), mail(f"m{n}")) for n in range(5)))
    before = hearing.accounts()
    assert before["r1"]["activities"] == before["r2"]["repeated"] == 5
    for _ in range(3):
        hearing.carry_out(first)
        assert hearing.accounts() == before


def test_an_interrupted_and_repeated_run_adds_up(hearing: Hearing) -> None:
    """It was cut off after 3 of 5; the next run reads all again, since no cursor was kept."""
    mails = [mail(f"m{n}") for n in range(4)] + [NOBODY]
    hearing.hear(*(hearing.event("r1", str(n), mails[n]) for n in (0, 1, 4)))
    hearing.hear(*(hearing.event("r2", str(n), mails[n]) for n in range(5)))
    assert hearing.accounts() == {
        "r1": {"seen": 3, "activities": 2, "dead_lettered": 1},
        "r2": {"seen": 5, "activities": 2, "repeated": 2, "dead_lettered": 1},
    }


def test_a_dead_letter_is_one_until_its_event_is_carried_out(hearing: Hearing) -> None:
    event = hearing.event("r1", "1", NOBODY)
    dead = {"r1": {"seen": 1, "dead_lettered": 1}}
    (letter,) = hearing.hear(event)
    assert hearing.accounts() == dead

    hearing.write(replayed(letter))
    assert hearing.accounts() == dead, "it is on its way, and still seen"
    (again,) = hearing.hear(event)
    assert again.dead_letter_id != letter.dead_letter_id
    assert hearing.accounts() == dead, "it failed again, and is still one event"

    hearing.write(replayed(again), carried_out(event))
    assert hearing.accounts() == {"r1": {"seen": 1, "activities": 1}}


def test_a_letter_whose_replay_was_not_marked_is_not_counted_twice(hearing: Hearing) -> None:
    event = hearing.event("r1", "1", NOBODY)
    hearing.hear(event)
    hearing.write(carried_out(event))
    assert hearing.accounts() == {"r1": {"seen": 1, "activities": 1}}


def test_the_reason_of_a_dead_letter_is_that_of_its_last_failure(hearing: Hearing) -> None:
    event = hearing.event("r1", "1", NOBODY)
    (letter,) = hearing.hear(event)
    later = uuid4()
    hearing.write(letter_like(letter, later, "bad_row", NOON + timedelta(days=1)), replayed(letter))
    assert hearing.reasons("r1") == {"dead_lettered: bad_row": 1}


def test_a_message_that_can_not_be_read_is_counted_of_no_run_until_it_is_replayed(
    hearing: Hearing,
) -> None:
    hearing.hear(hearing.event("r1", "1", mail("one")))
    garbage = Message(topic="heard.mail", partition=0, offset=99, value=b"\xc1 not a message")
    (letter,) = hearing.carry_out(garbage)
    assert hearing.accounts()[""] == {"seen": 1, "dead_lettered": 1}
    hearing.write(replayed(letter))
    assert hearing.accounts() == {"r1": {"seen": 1, "activities": 1}}


def replayed(letter: DeadLetterRow) -> DeadLetterRow:
    return replace(letter, replayed_at=letter.failed_at + timedelta(minutes=1))


def letter_like(
    letter: DeadLetterRow, dead_letter_id: UUID, reason: str, failed_at: datetime
) -> DeadLetterRow:
    return replace(letter, dead_letter_id=dead_letter_id, reason=reason, failed_at=failed_at)


def carried_out(event: Event) -> SightingRow:
    """Return the sighting that corrected code would write of an event."""
    return SightingRow(
        source=event.source,
        external_id=event.external_id,
        ingest_run=event.ingest_run,
        kind=event.kind,
        observer=event.observer,
        disposition="activity",
        reason="",
        activity_id=uuid4(),
        event_time=event.received_at,
        received_at=event.received_at,
    )


heard = st.tuples(
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from(["kim", "lee"]),
    st.sampled_from(["m1", "m2", "m3", "confidential", "nobody"]),
)


@hypothesis_settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(st.lists(heard, min_size=1, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_whatever_is_heard_in_whatever_order_adds_up_and_survives_replays(
    writer: Writer, reader: Reader, mailboxes: list[tuple[str, str, str]], random: Random
) -> None:
    hearing, this = Hearing(writer, reader), uuid4().hex
    payload = {"confidential": CONFIDENTIAL, "nobody": NOBODY}
    events = [
        hearing.event(f"{run} {this}", name, payload.get(name) or mail(name + this), box=box + this)
        for run, box, name in mailboxes
    ]
    messages = [hearing.message(events[start : start + 4]) for start in range(0, len(events), 4)]
    random.shuffle(messages)
    hearing.carry_out(*messages)
    mine = {run: found for run, found in hearing.accounts().items() if run.endswith(this)}
    assert mine == expected(events)
    hearing.carry_out(*messages[::2])
    assert {run: hearing.accounts()[run] for run in mine} == mine


def expected(events: Sequence[Event]) -> dict[str, Account]:
    """Return the accounts: an activity counts where its first copy was heard."""
    counts: dict[str, Counter[str]] = {}
    known: set[bytes] = set()
    for event in events:
        fate = {CONFIDENTIAL.encode(): "excluded", NOBODY.encode(): "dead_lettered"}.get(
            event.payload, "repeated" if event.payload in known else "activities"
        )
        known.add(event.payload)
        counts.setdefault(event.ingest_run, Counter()).update(["seen", fate])
    return {run: dict(count) for run, count in counts.items()}
