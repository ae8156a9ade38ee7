"""The demo as a newcomer runs it: a fresh clone, a home of its own, a first and a second start.

`python -m bench.demo` writes `bench/results/demo.json`. The package cache is whatever it is: say in
the run's note whether it was warm.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from time import monotonic

from bench.figures import measured, record

ROOT = Path(__file__).parents[1]
COMMAND = "make demo ONCE=1"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        clone = Path(folder) / "headwater"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "VIRTUAL_"))}
        environment = kept | {"HEADWATER_HOME": str(Path(folder) / "home")}
        first_seconds, first = _demo(clone, environment)
        second_seconds, second = _demo(clone, environment)
    figures = [
        measured("first start, fresh clone, all in all", first_seconds, "s", COMMAND, at_most=300),
        measured("first start, to a filled dashboard", first["filled_seconds"], "s", COMMAND),
        measured("second start, all in all", second_seconds, "s", COMMAND),
        measured(
            "second start, to a filled dashboard",
            second["filled_seconds"],
            "s",
            COMMAND,
            at_most=40,
        ),
    ]
    for name in ("freshness_p50_s", "freshness_p99_s"):
        figures += [
            measured(f"{name}, first start", first[name], "s", COMMAND),
            measured(f"{name}, second start", second[name], "s", COMMAND),
        ]
    for name in ("activities", "accounts_scored", "investments_judged", "crm_fields_written"):
        figures.append(measured(name, first[name], "", COMMAND, at_least=1))
    print(record("demo", figures))


def _demo(clone: Path, environment: dict[str, str]) -> tuple[float, dict[str, float]]:
    started = monotonic()
    done = subprocess.run(
        ["make", "demo", "ONCE=1"],
        cwd=clone,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(done.stdout)
    return monotonic() - started, json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
