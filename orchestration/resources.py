"""What an asset may ask for by name: a reader, a writer, the clock, the settings and dbt."""

from collections.abc import Iterator

import dagster as dg

from contracts.clock import Clock
from orchestration.dbt import Dbt
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_QUERY_SECONDS = 600


def resources(settings: Settings, clock: Clock) -> dict[str, object]:
    """Return the resources of a deployment; connections are opened for a run, then left."""

    @dg.resource
    def reader() -> Iterator[Reader]:
        reader = Reader(settings.warehouse_url, seconds=_QUERY_SECONDS)
        yield reader
        reader.close()

    @dg.resource
    def writer() -> Iterator[Writer]:
        writer = Writer(settings.warehouse_url)
        yield writer
        writer.close()

    return {
        "reader": reader,
        "writer": writer,
        "clock": clock,
        "settings": settings,
        "dbt": Dbt(settings),
    }
