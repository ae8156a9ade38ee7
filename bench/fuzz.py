"""Fuzzes every parser that reads strangers' bytes, with coverage as its guide (atheris).

`python -m bench.fuzz` gives each SECONDS of its own and writes `bench/results/fuzz.json`;
`python -m bench.fuzz NAME SECONDS` fuzzes one. A crash is anything but a parsed result or
`Rejected`, or an input that takes longer than TIMEOUT_SECONDS; its bytes are kept beside the run.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, measured, record
from contracts.company import Company
from contracts.errors import Rejected

SECONDS = 20
TIMEOUT_SECONDS = 10
MAX_BYTES = 8_192
COMMAND = "python -m bench.fuzz"
COMPANY = Company(own_domains=("ourco.example",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def main() -> None:
    if len(sys.argv) > 1:
        _fuzz(sys.argv[1], int(sys.argv[2]))
        return
    figures = [figure for name in PARSERS for figure in _tried(name)]
    print(record("fuzz", figures))


def _tried(name: str) -> list[Figure]:
    """Fuzz a parser in a process of its own; it ends by itself, or at its first crash."""
    with tempfile.TemporaryDirectory(prefix="headwater-fuzz-") as folder:
        argv = [sys.executable, "-m", "bench.fuzz", name, str(SECONDS)]
        done = subprocess.run(
            argv, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
        )
    told = done.stdout + done.stderr
    runs = [int(n) for n in re.findall(r"(?:Done |#)(\d+)", told)]
    print(name, "exit", done.returncode, "runs", max(runs, default=0))
    if done.returncode:
        print(told[-3_000:])
    command = f"{COMMAND} {name} {SECONDS}"
    return [
        measured(f"fuzz: {name}: inputs", max(runs, default=0), "inputs", command),
        measured(f"fuzz: {name}: time", SECONDS, "s", command),
        measured(f"fuzz: {name}: crashes", int(done.returncode != 0), "", command, at_most=0),
    ]


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}


def _fuzz(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["transforms", "contracts"]):
        target = PARSERS[name]()
    seeds = tempfile.mkdtemp()
    for number, seed in enumerate(SEEDS):
        (Path(seeds) / str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-timeout={TIMEOUT_SECONDS}", f"-max_len={MAX_BYTES}"]
    atheris.Setup([sys.argv[0], seeds, *options, "-rss_limit_mb=2048"], _refusing(target))
    atheris.Fuzz()


def _refusing(parse: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with suppress(Rejected):
            parse(data)

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


PARSERS: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "mail": _mail, "html": _html, "reply": _reply, "addresses": _addresses, "bounce": _bounce,
    "absence": _absence, "signature": _signature, "request": _request, "call": _call, "crm": _crm,
    "wire": _wire,
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
)


if __name__ == "__main__":
    main()
