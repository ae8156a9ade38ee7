"""What a contender is told, and how it is measured; any environment with msgspec can import it."""

import gc
import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic


@dataclass(frozen=True, kw_only=True)
class Task:
    """Read a topic from its beginning and store every event of it.

    Attributes:
        log: where the events are, as the platform writes it: `kafka://HOST:PORT` or `sqlite:///PATH`.
        group: a consumer group that nobody has used before.
        partitions: of the topic.
        events: how many events the topic holds, in messages of one or of many.
        warehouse: `clickhouse://USER:PASSWORD@HOST:PORT`.
        table: where they go; empty to decode them and throw them away.
        messages: how many make a batch, which is one insert.
        scratch: a folder of its own.
    """

    log: str
    group: str
    topic: str
    partitions: int
    events: int
    warehouse: str
    table: str
    messages: int
    scratch: str

    @property
    def kafka(self) -> str:
        """`HOST:PORT` of the broker."""
        return self.log.removeprefix("kafka://")

    @classmethod
    def given(cls) -> "Task":
        """Return the task of this process: its one argument."""
        return cls(**json.loads(sys.argv[1]))

    def argument(self) -> str:
        """Return what `given` reads."""
        return json.dumps(asdict(self))


class Meter:
    """Measures a process from the first event that reaches its code to the last one stored.

    Starting up, importing and joining a group are left out. When everything is stored, a line of
    JSON goes to standard output: wall seconds, CPU seconds of the process, all threads and
    children included, and its peak memory in bytes.
    """

    def __init__(self, events: int) -> None:
        self._left = events
        self._started: tuple[float, float] | None = None

    def begin(self) -> None:
        """Note that events are here; the first call starts the clocks."""
        self._started = self._started or (monotonic(), _cpu_seconds())

    def stored(self, events: int) -> None:
        """Note that events are durable; the last ones end the measurement."""
        assert self._started
        self._left -= events
        if self._left == 0:
            wall, cpu = self._started
            told = {
                "seconds": monotonic() - wall,
                "cpu_seconds": _cpu_seconds() - cpu,
                "peak_bytes": _peak_bytes(),
            }
            print(json.dumps(told), flush=True)


def spare_collector() -> None:
    """Do for a peer what the platform's worker does for itself (`ingest.worker.run`)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_bytes() -> int:
    """Return the most memory that was resident at once.

    `getrusage` would not do: its peak begins with that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024
