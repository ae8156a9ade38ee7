"""Erases somebody and kills itself (SIGKILL) at a moment: `python -m tests.killed_erasure`."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial, wraps
from pathlib import Path
from typing import Any

from contracts.clock import SystemClock
from ingest import erase
from settings import load
from warehouse.erase import Eraser

NEVER = "never"


def killed_after(holder: Any, name: str, *, when: Callable[..., bool] = lambda *_: True) -> None:
    """Let the process die at once after something was done."""
    do = getattr(holder, name)

    @wraps(do)
    def die(*arguments: Any) -> Any:
        done = do(*arguments)
        if when(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(holder, name, die)


def _starts(text: str) -> Callable[..., bool]:
    return lambda _, sql, *__: sql.strip().startswith(text)


MOMENTS: dict[str, Callable[[], None]] = {
    "suppressed": partial(killed_after, erase.Erasure, "_suppress"),
    "contact dropped": partial(killed_after, Eraser, "_drop_person_rows"),
    "sightings added again": partial(
        killed_after, Eraser, "_ask", when=_starts("INSERT INTO raw.sighting (* EXCEPT")
    ),
    "mended rows added": partial(
        killed_after, Eraser, "_ask", when=_starts("INSERT INTO raw.activity")
    ),
    "tables swept": partial(killed_after, Eraser, "sweep"),
    "log mended": partial(killed_after, erase.LogTraces, "take_out"),
    "files overwritten": partial(killed_after, erase.Traces, "overwrite"),
    "receipt kept": partial(killed_after, erase, "keep"),
    NEVER: lambda: None,
}
"""Moments of an erasure, in their order; each is reached once those before it were."""


if __name__ == "__main__":
    home, who, moment = sys.argv[1:]
    MOMENTS[moment]()
    with closing(erase.Erasure(load(Path(home)), who, SystemClock())) as erasure:
        erasure.run("asked for")
