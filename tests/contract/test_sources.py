"""One suite for every source: what it yields, that it repeats itself, and that it goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.company import Company
from contracts.errors import UserError
from contracts.rows import ActivityRow, CrmRow, SightingRow
from contracts.wire import Event
from ingest.source import Checkpoint, Glimpse, Heard, Source
from ingest.sources.attendance import AttendanceSource
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.imap import ImapSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from tests.dovecot import PASSWORD, Mailboxes
from transforms.rows import to_rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


@dataclass
class Case:
    """A source, how to open it, how to put one more thing into it, and where it would be absent."""

    open: Callable[[], Source]
    add: Callable[[int], None]
    absent: Callable[[], Source]
    names: str


def mail(number: int, body: str = "Hello") -> bytes:
    return (
        f"From: jo@acme.example\nTo: kim@ourco.example\nSubject: Mail {number}\n"
        f"Date: Mon, 02 Nov 2026 10:00:{number % 60:02} +0000\n"
        f"Message-ID: <m{number}@acme.example>\n\n{body}\n"
    ).encode()


def mbox_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "old.mbox"

    def add(number: int) -> None:
        with path.open("ab") as file:
            file.write(b"From jo@acme.example Mon Nov  2 10:00:00 2026\n" + mail(number) + b"\n")

    return Case(lambda: MboxSource(path), add, lambda: MboxSource(tmp_path / "no.mbox"), "no.mbox")


def eml_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")

    def add(number: int) -> None:
        folder = tmp_path / "mails" / f"box{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.eml").write_bytes(mail(number))

    return Case(
        lambda: EmlSource(tmp_path / "mails"), add, lambda: EmlSource(tmp_path / "no"), "no"
    )


def maildir_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")

    def add(number: int) -> None:
        maildir = tmp_path / "mail" / ("kim" if number % 2 else "kim/.Sent")
        for part in ("tmp", "new", "cur"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        (maildir / "tmp" / f"{number}.host").write_bytes(mail(number))
        (maildir / "tmp" / f"{number}.host").rename(maildir / "new" / f"{number}.host")

    return Case(
        lambda: MaildirSource(tmp_path / "mail"), add, lambda: MaildirSource(tmp_path / "no"), "no"
    )


def calls_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "calls.jsonl"

    def add(number: int) -> None:
        call = {
            "provider": "aircall", "call_id": str(number), "started_at": "2026-11-02T10:00:00Z",
            "duration_seconds": 60, "direction": "inbound", "from": "+14155550199",
            "to": "+14155550100",
        }  # fmt: skip
        with path.open("a") as file:
            file.write(json.dumps(call) + "\n")

    return Case(lambda: CallLogSource(path), add, lambda: CallLogSource(tmp_path / "no"), "no")


def crm_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "crm" / "accounts.csv"

    def add(number: int) -> None:
        if not path.exists():
            path.parent.mkdir()
            path.write_text("Account ID,Name\n")
        with path.open("a") as file:
            file.write(f"a{number},Acme\n")

    return Case(
        lambda: CrmCsvSource(tmp_path / "crm"), add, lambda: CrmCsvSource(tmp_path / "no"), "no"
    )


def attendance_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "lms.csv"

    def add(number: int) -> None:
        if not path.exists():
            path.write_text("User Email,Course Name,Completion Date,Manager\n")
        with path.open("a") as file:
            file.write(f"Kim{number}@ourco.example,Negotiation,2026-11-02 09:30,Jo\n")

    return Case(
        lambda: AttendanceSource(path, "INV-1"),
        add,
        lambda: AttendanceSource(tmp_path / "no.csv", "INV-1"),
        "no.csv",
    )


def imap_case(request: pytest.FixtureRequest) -> Case:
    mailboxes: Mailboxes = request.getfixturevalue("mailboxes")
    password = SecretStr(PASSWORD)

    def add(number: int) -> None:
        mailboxes.append(mail(number), mailbox="INBOX" if number % 2 else "Sent")

    return Case(
        lambda: ImapSource(mailboxes.url, password),
        add,
        lambda: ImapSource("imap://kim@127.0.0.1:1", password),
        "127.0.0.1:1",
    )


CASES: dict[str, Callable[[pytest.FixtureRequest], Case]] = {
    "mbox": mbox_case,
    "eml": eml_case,
    "maildir": maildir_case,
    "calls": calls_case,
    "crm_csv": crm_case,
    "attendance": attendance_case,
    "imap": imap_case,
}


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.dovecot] if name == "imap" else []) for name in CASES
    ]
)
def case(request) -> Case:
    return CASES[request.param](request)


def heard(source: Source, state: str = "") -> list[Heard]:
    """Return all that a source yields, with the bodies of what it only glimpsed."""
    items = list(source.read(state))
    glimpsed = [item.external_id for item in items if isinstance(item, Glimpse)]
    fetched = list(source.fetch(glimpsed)) if glimpsed else []
    return [item for item in items if isinstance(item, Heard)] + fetched


def last_state(source: Source, state: str = "") -> str:
    states = [item.state for item in source.read(state) if isinstance(item, Checkpoint)]
    return states[-1] if states else state


def test_every_source_has_a_module_and_a_case():
    modules = {path.stem for path in Path(__file__).parents[2].glob("ingest/sources/*.py")}
    assert modules - {"__init__"} == set(CASES)


def test_everything_is_heard_once_under_a_name_of_its_own(case):
    for number in range(1, 6):
        case.add(number)
    found = heard(case.open())
    assert len(found) == 5
    assert len({item.external_id for item in found}) == 5
    assert all(item.observer and item.external_id for item in found)


def test_what_is_heard_becomes_rows(case):
    case.add(1)
    source = case.open()
    (item,) = heard(source)
    event = Event(
        kind=source.kind, source=source.name, ingest_run="r", received_at=NOW, **item._asdict()
    )
    sighting, thing = to_rows(event, COMPANY)
    assert isinstance(sighting, SightingRow)
    assert isinstance(thing, CrmRow if source.kind == "crm" else ActivityRow)


def test_reading_again_gives_the_same_names_and_bytes(case):
    for number in range(1, 4):
        case.add(number)
    first, again = case.open(), case.open()
    assert first.name == again.name
    assert sorted(heard(first)) == sorted(heard(again))


def test_reading_goes_on_from_the_cursor_and_misses_nothing(case):
    for number in range(1, 4):
        case.add(number)
    before = heard(case.open())
    state = last_state(case.open())
    case.add(4)
    after = heard(case.open(), state)
    everything = {item.external_id for item in heard(case.open())}
    assert {item.external_id for item in before + after} == everything
    if state:
        assert len(after) == 1


def test_nothing_new_is_nothing_heard_where_there_is_a_cursor(case):
    case.add(1)
    if state := last_state(case.open()):
        assert heard(case.open(), state) == []
        assert last_state(case.open(), state) in {state, last_state(case.open())}


def test_a_source_that_is_not_there_says_so_and_where(case):
    with pytest.raises(UserError, match=case.names):
        heard(case.absent())


def test_a_source_names_nothing_secret(case):
    case.add(1)
    assert PASSWORD not in repr(vars(case.open()))
