"""One suite for every source: what it yields, that it repeats itself, and that it goes on."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from contracts.company import Company
from contracts.errors import Retryable, UserError
from ingest.source import Checkpoint, Countable, Heard
from ingest.source_contract import LARGE_BYTES, Case, SourceContract, one_by_one
from ingest.sources.attendance import AttendanceSource
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.imap import ImapSource
from ingest.sources.json_api import JsonApiSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from tests.dovecot import PASSWORD, Mailboxes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


CALL = {
    "provider": "aircall", "started_at": "2026-11-02T10:00:00Z", "duration_seconds": 60,
    "direction": "inbound", "from": "+14155550199", "to": "+14155550100",
}  # fmt: skip


LONG = "Hello, and so on.\n" * (LARGE_BYTES // 18 + 1)


def mail(number: int, body: str = "Hello") -> bytes:
    return (
        f"From: jo@acme.example\nTo: kim@ourco.example\nSubject: Mail {number}\n"
        f"Date: Mon, 02 Nov 2026 10:00:{number % 60:02} +0000\n"
        f"Message-ID: <m{number}@acme.example>\n\n{body}\n"
    ).encode()


def mbox_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "old.mbox"

    def add(number: int, body: str = "Hello") -> None:
        line = b"From jo@acme.example Mon Nov  2 10:00:00 2026\n"
        with path.open("ab") as file:
            file.write(line + mail(number, body) + b"\n")

    absent = tmp_path / "no.mbox"
    return Case(
        lambda: MboxSource(path), add, lambda: MboxSource(absent), "no.mbox", lambda n: add(n, LONG)
    )


def eml_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")

    def add(number: int, body: str = "Hello") -> None:
        folder = tmp_path / "mails" / f"box{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.eml").write_bytes(mail(number, body))

    return Case(
        lambda: EmlSource(tmp_path / "mails"),
        add,
        lambda: EmlSource(tmp_path / "no"),
        "no",
        lambda number: add(number, LONG),
    )


def maildir_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")

    def add(number: int, body: str = "Hello") -> None:
        maildir = tmp_path / "mail" / ("kim" if number % 2 else "kim/.Sent")
        for part in ("tmp", "new", "cur"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        (maildir / "tmp" / f"{number}.host").write_bytes(mail(number, body))
        (maildir / "tmp" / f"{number}.host").rename(maildir / "new" / f"{number}.host")

    return Case(
        lambda: MaildirSource(tmp_path / "mail"),
        add,
        lambda: MaildirSource(tmp_path / "no"),
        "no",
        lambda number: add(number, LONG),
    )


def calls_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "calls.jsonl"

    def add(number: int, title: str = "") -> None:
        call = CALL | {"call_id": str(number), "title": title}
        with path.open("a") as file:
            file.write(json.dumps(call) + "\n")

    absent = tmp_path / "no"
    return Case(
        lambda: CallLogSource(path),
        add,
        lambda: CallLogSource(absent),
        "no",
        lambda n: add(n, LONG),
    )


def crm_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "crm" / "accounts.csv"

    def add(number: int, name: str = "Acme") -> None:
        if not path.exists():
            path.parent.mkdir()
            path.write_text("Account ID,Name\n")
        with path.open("a") as file:
            file.write(f'a{number},"{name}"\n')

    return Case(
        lambda: CrmCsvSource(tmp_path / "crm"),
        add,
        lambda: CrmCsvSource(tmp_path / "no"),
        "no",
        lambda number: add(number, LONG),
    )


def attendance_case(request: pytest.FixtureRequest) -> Case:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    path = tmp_path / "lms.csv"

    def add(number: int) -> None:  # what is yielded is short, whatever stands in the file
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

    def add(number: int, body: str = "Hello") -> None:
        mailboxes.append(mail(number, body), mailbox="INBOX" if number % 2 else "Sent")

    return Case(
        lambda: ImapSource(mailboxes.url, password),
        add,
        lambda: ImapSource("imap://kim@127.0.0.1:1", password),
        "127.0.0.1:1",
        lambda number: add(number, LONG),
    )


class Api:
    """A real server on loopback, with pages of two calls."""

    def __init__(self) -> None:
        self.items: list[dict] = []
        self.token, self.status = "token", 200
        self.body = b""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_ours = self.headers["Authorization"] == f"Bearer {api.token}"
                self.send_response(api.status if is_ours else 401)
                self.end_headers()
                start = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0] or 0)
                page = api.items[start : start + 2]
                told = json.dumps({"items": page, "next": start + len(page)}).encode()
                self.wfile.write(api.body or told)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/calls"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def api():
    api = Api()
    yield api
    api.server.shutdown()
    api.server.server_close()


def api_case(request: pytest.FixtureRequest) -> Case:
    api: Api = request.getfixturevalue("api")
    token = SecretStr("token")

    def add(number: int, title: str = "") -> None:
        api.items.append(CALL | {"call_id": str(number), "title": title})

    return Case(
        lambda: JsonApiSource(api.url, token),
        add,
        lambda: JsonApiSource("http://127.0.0.1:1/no", token),
        "127.0.0.1:1",
        lambda number: add(number, LONG),
    )


CASES: dict[str, Callable[[pytest.FixtureRequest], Case]] = {
    "mbox": mbox_case,
    "eml": eml_case,
    "maildir": maildir_case,
    "calls": calls_case,
    "crm_csv": crm_case,
    "attendance": attendance_case,
    "imap": imap_case,
    "json_api": api_case,
}


class TestEverySource(SourceContract):
    @pytest.fixture(
        params=[
            pytest.param(name, marks=[pytest.mark.dovecot] if name == "imap" else [])
            for name in CASES
        ]
    )
    def case(self, request) -> Case:
        return CASES[request.param](request)


class Greedy(MboxSource):
    """Reads all before it yields any."""

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        yield from list(super().read(state))


def test_a_source_that_reads_ahead_without_bound_is_found_out(request):
    case = mbox_case(request)
    path = case.open()._path
    case.open = lambda: Greedy(path)
    with pytest.raises(AssertionError):
        SourceContract().test_it_is_read_no_faster_than_it_is_asked(case)


def test_a_source_of_mail_is_countable_and_counts_what_it_yields_by_its_own_times(countable):
    countable.add(1)
    countable.add(2)
    source = countable.open()
    assert isinstance(source, Countable)
    day = timedelta(days=1)
    items = list(one_by_one(source))
    moments = [item.held_at for item in items]
    held = source.count(min(moments) - day, max(moments) + day)
    assert sum(held.values(), Counter()) == Counter(moment.date() for moment in moments)
    assert set(held) == {item.observer for item in items}


@pytest.fixture(
    params=["mbox", "eml", "maildir", pytest.param("imap", marks=pytest.mark.dovecot)],
)
def countable(request):
    return CASES[request.param](request)


def test_every_source_has_a_module_and_a_case():
    modules = {path.stem for path in Path(__file__).parents[2].glob("ingest/sources/*.py")}
    assert modules - {"__init__"} == set(CASES)


def test_a_source_names_no_password(request, mailboxes):
    assert PASSWORD not in repr(vars(imap_case(request).open()))


def test_an_api_that_is_busy_is_asked_later_and_a_wrong_token_is_told(request):
    api: Api = request.getfixturevalue("api")
    api.token = "another"
    with pytest.raises(UserError, match="answers 401"):
        list(JsonApiSource(api.url, SecretStr("token")).read(""))
    with pytest.raises(UserError, match="answers 401"):
        list(JsonApiSource(api.url, SecretStr("")).read(""))
    api.token, api.status = "token", 503
    with pytest.raises(Retryable, match="answers 503"):
        list(JsonApiSource(api.url, SecretStr("token")).read(""))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "must answer"),
        (b'{"data": []}', "`items`"),
        (b'{"items": ["x"], "next": 1}', "must answer"),
        (b'{"items": [{}]}', "no `next` cursor"),
    ],
)
def test_an_api_that_answers_something_else_is_told_what_it_must_answer(request, body, told):
    api: Api = request.getfixturevalue("api")
    api.body = body
    with pytest.raises(UserError, match=told):
        list(JsonApiSource(api.url, SecretStr("token")).read(""))
