"""Real mail through `headwater ingest eml`: the account adds up, nothing crashes, and how fast.

`python -m bench.corpora` writes `bench/results/corpora.json`; it needs the public corpora of
`HEADWATER_DATA`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from bench.figures import Figure, measured, record

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("HEADWATER_DATA", ROOT.parent / "shared" / "data"))
CORPORA = ("enron_raw", "spamassassin_raw", "mail_nasty")


def main() -> None:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="headwater-") as home:
        environment = os.environ | {"HEADWATER_HOME": home}
        for corpus in CORPORA:
            figures += _brought_in(corpus, environment)
    print(record("corpora", figures))


def _brought_in(corpus: str, environment: dict[str, str]) -> list[Figure]:
    command = f"headwater ingest eml {corpus} --json"
    argv = [str(Path(sys.executable).parent / "headwater"), "ingest", "eml", str(DATA / corpus)]
    started = monotonic()
    done = subprocess.run(
        [*argv, "--json"], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    seconds = monotonic() - started
    account = json.loads(done.stdout.splitlines()[-1])
    print(corpus, account)
    parts = ("activities", "records", "repeated", "excluded", "dead_lettered")
    missing = account["seen"] - sum(account[part] for part in parts)
    return [
        measured(f"{corpus}: seen", account["seen"], "mails", command),
        *(measured(f"{corpus}: {part}", account[part], "mails", command) for part in parts),
        measured(f"{corpus}: not accounted for", missing, "mails", command, at_most=0),
        measured(f"{corpus}: start to account", seconds, "s", command),
    ]


if __name__ == "__main__":
    main()
