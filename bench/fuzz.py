"""Fuzzes every parser that reads strangers' bytes, with coverage as its guide (atheris).

`python -m bench.fuzz` gives each SECONDS of processor time and writes `bench/results/fuzz.json`;
`python -m bench.fuzz NAME SECONDS` fuzzes one. A crash is anything but a parsed result or
`Rejected`, or an input that takes longer than TIMEOUT_SECONDS; its bytes are printed. The seeds are
SEEDS and the small files of the corpora of strange mail; `tests/property/test_parsers.py` is the
quick form.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from bench.corpora import DATA
from bench.figures import Figure, measured, record
from contracts.company import Company
from contracts.errors import Rejected, UserError

SECONDS = 60
TIMEOUT_SECONDS = 20
MAX_BYTES = 2_048
PIECE_BYTES = 100
COMMAND = "python -m bench.fuzz"
COMPANY = Company(own_domains=("ourco.example",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def main() -> None:
    if len(sys.argv) > 1:
        _fuzz(sys.argv[1], int(sys.argv[2]))
        return
    figures: list[Figure] = []
    for name in PARSERS:
        figures += _tried(name)
        record("fuzz", figures)


def _tried(name: str) -> list[Figure]:
    """Fuzz a parser in a process of its own; it ends by itself, or at its first crash."""
    with tempfile.TemporaryDirectory(prefix="headwater-fuzz-") as folder:
        argv = [sys.executable, "-m", "bench.fuzz", name, str(SECONDS)]
        done = subprocess.run(
            argv, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
        )
    told = done.stdout + done.stderr
    runs = [int(n) for n in re.findall(r"#(\d+)", told)]
    print(name, "exit", done.returncode, "runs", max(runs, default=0))
    if done.returncode:
        print(told[-3_000:])
    command = f"{COMMAND} {name} {SECONDS}"
    return [
        measured(f"fuzz: {name}: inputs", max(runs, default=0), "inputs", command),
        measured(f"fuzz: {name}: time", SECONDS, "CPU s", command),
        measured(f"fuzz: {name}: crashes", int(done.returncode != 0), "", command, at_most=0),
    ]


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {
        "PYTHONPATH": root, "PATH": "/usr/bin:/bin", "HOME": str(Path.home()),
        "HEADWATER_DATA": str(DATA),
    }  # fmt: skip


def _fuzz(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["transforms", "contracts", "ingest"]):
        target = PARSERS[name]()
    folder = tempfile.mkdtemp()
    for number, seed in enumerate(seeds()):
        (Path(folder) / str(number)).write_bytes(seed)
    options = [f"-timeout={TIMEOUT_SECONDS}", f"-max_len={MAX_BYTES}", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], folder, *options], _until(seconds, target))
    atheris.Fuzz()


def seeds() -> list[bytes]:
    """Return what the inputs are made of."""
    files = sorted(path for path in (DATA / "mail_nasty").rglob("*") if path.is_file())
    return [*SEEDS, *(p.read_bytes() for p in files if p.stat().st_size <= MAX_BYTES)]


def _until(seconds: int, parse: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return the parser as it is fuzzed: the process ends well after so much processor time."""
    done = 0

    def run(data: bytes) -> None:
        nonlocal done
        with suppress(Rejected):
            parse(data)
        done += 1
        if process_time() > seconds:
            print(f"#{done}", flush=True)
            os._exit(0)

    return run


def _mail() -> Callable[[bytes], object]:
    from transforms.mail import decode_mail

    return lambda data: decode_mail(data, HEARD_AT, COMPANY)


def _html() -> Callable[[bytes], object]:
    from transforms.html import html_to_text

    return lambda data: html_to_text(data.decode("utf-8", "replace"))


def _reply() -> Callable[[bytes], object]:
    from transforms.reply import separate

    return lambda data: separate(data.decode("utf-8", "replace"), "Kim Roe")


def _addresses() -> Callable[[bytes], object]:
    from transforms.address import mailboxes

    return lambda data: [*mailboxes(data.decode("utf-8", "replace"))]


def _bounce() -> Callable[[bytes], object]:
    from transforms import mime
    from transforms.bounce import bounce

    return lambda data: bounce(mime.parse(data), is_daemon=True)


def _absence() -> Callable[[bytes], object]:
    from transforms.out_of_office import stated_end

    return lambda data: stated_end(data.decode("utf-8", "replace"), HEARD_AT.date())


def _signature() -> Callable[[bytes], object]:
    from transforms.signature import read_signature

    return lambda data: read_signature(data.decode("utf-8", "replace"), "k@acme.example", "", "US")


def _request() -> Callable[[bytes], object]:
    from transforms.request import request

    return lambda data: request(data.decode("utf-8", "replace"), "en")


def _call() -> Callable[[bytes], object]:
    from transforms.calls import decode_call

    return lambda data: decode_call(data, HEARD_AT, COMPANY)


def _crm() -> Callable[[bytes], object]:
    from transforms.crm import decode_crm

    return lambda data: decode_crm(data, "csv", HEARD_AT)


def _wire() -> Callable[[bytes], object]:
    from contracts.wire import decode_envelope

    return decode_envelope


def _capture() -> Callable[[bytes], object]:
    from contracts.capture import Capture
    from transforms.capture import judge, kept

    def capture(data: bytes) -> bytes:
        verdict = judge(data, HEARD_AT, COMPANY, lambda _: True, Capture(mode="subject"))
        return kept(data, verdict.captured, "metadata")

    return capture


def _lighten() -> Callable[[bytes], object]:
    from ingest.lighten import MAX_LIGHT_BYTES, MAX_WHOLE_BYTES, Lightener

    large = b"X: " + b"x" * MAX_WHOLE_BYTES + b"\n"

    def lighten(data: bytes) -> None:
        lightener = Lightener()
        for piece in (
            large,
            *(data[n : n + PIECE_BYTES] for n in range(0, len(data), PIECE_BYTES)),
        ):
            lightener.feed(piece)
        assert len(lightener.mail()) <= MAX_LIGHT_BYTES + PIECE_BYTES

    return lighten


def _mbox() -> Callable[[bytes], object]:
    from ingest.sources.mbox import MboxSource

    path = Path(tempfile.mkdtemp()) / "mbox"

    def mbox(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(UserError):
            deque(MboxSource(path).read(""), maxlen=0)

    return mbox


def _calendar() -> Callable[[bytes], object]:
    from contracts.invitation import InvitationRow
    from contracts.wire import Event
    from transforms.meeting import due
    from transforms.rows import to_rows

    head = b"From: a@b.example\nTo: k@ourco.example\nContent-Type: text/calendar\n\n"

    def calendar(data: bytes) -> None:
        event = Event(
            kind="mail", source="s", external_id="1", observer="o", ingest_run="r",
            received_at=HEARD_AT, payload=head + data,
        )  # fmt: skip
        said = [row for row in to_rows(event, COMPANY) if isinstance(row, InvitationRow)]
        for uid in {row.uid for row in said}:
            of_uid = [row for row in said if row.uid == uid]
            due(of_uid, COMPANY, datetime(1970, 1, 1, tzinfo=UTC), HEARD_AT)

    return calendar


def _erased() -> Callable[[bytes], object]:
    from transforms.erasure import Suppressed, identity, token

    tokens = [token(b"key", identity(who, "US")) for who in ("kim@acme.example", "+4930123456")]
    suppressed = Suppressed(tokens, b"key", "DE")
    return lambda data: suppressed.mended(data.decode("utf-8", "replace"))


def _command() -> Callable[[bytes], object]:
    from ingest.commands import decode_command

    return decode_command


PARSERS: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "mail": _mail, "html": _html, "reply": _reply, "addresses": _addresses, "bounce": _bounce,
    "absence": _absence, "signature": _signature, "request": _request, "call": _call, "crm": _crm,
    "wire": _wire, "capture": _capture, "lighten": _lighten, "mbox": _mbox, "command": _command,
    "erased": _erased, "calendar": _calendar,
}  # fmt: skip

SEEDS = (
    b"""From: =?utf-8?q?Kim?= <kim@acme.example>
To: a@b.example
Subject: =?gb2312?B?4fHo?=
Date: Mon, 2 Nov 2026 10:00:00 +0100
Content-Type: multipart/mixed; boundary="b;1"

--b;1
Content-Type: text/plain; charset=utf-7
Content-Transfer-Encoding: base64

SGVsbG8=
--b;1
Content-Type: text/html

<p>Hello<blockquote>x</blockquote></p>
--b;1--
""",
    b"""From: MAILER-DAEMON@b.example
Content-Type: multipart/report; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; a

Final-Recipient: rfc822; k@acme.example
Action: failed
Status: 5.1.1

--x--
""",
    b"""Yes.

Best regards
Kim Roe
Head of Sales, Acme GmbH
Tel. +49 30 1234567

On Mon, 2 Nov 2026 at 09:00, Jo <jo@b.example> wrote:
> Can you come?
""",
    b"I am out of the office until 12 November 2026, back on Monday, bis 3.4., jusqu'au 5 mai.",
    b"""{"provider":"p","call_id":"1","started_at":"2026-11-02T10:00:00Z","duration_seconds":1,
"from":"+4930123456","to":"+4930123457"}""",
    b'{"entity":"account","record":{"account_id":"a","name":"A"}}',
    b"""BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:u1@b.example
SEQUENCE:1
DTSTAMP:20261101T100000Z
DTSTART;TZID=Europe/Berlin:20261102T100000
DURATION:PT30M
RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO
EXDATE;TZID=Europe/Berlin:20261109T100000
ORGANIZER:mailto:k@ourco.example
ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example
END:VEVENT
END:VCALENDAR
""",
    b"From a@b.example Mon Nov  2 10:00:00 2026\nFrom: a@b.example\n\n>From here\n",
)


if __name__ == "__main__":
    main()
