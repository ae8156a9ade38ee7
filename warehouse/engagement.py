"""Builds `live.engagement_fact`: what each activity counts for its account's score.

The score is the same number whether the facts were built a moment ago or never: the views take from
raw whatever was ingested after the last building, and the facts for the rest alone. Building makes
the answer faster, nothing else.

A row is stamped before it can be read. So the facts are relied on only for rows stamped a while
before the building began, by when every write then under way is done or given up. Rows that come
with an old stamp (a backup's, a mended row's), or go, are not seen by that: who writes or deletes
them calls `distrust`, and the next building begins anew.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from clickhouse_driver import Client
from pydantic import SecretStr

from warehouse.connection import connect, fates

SETTLED: Final = timedelta(minutes=10)
"""Twice as long as a write may take."""
_PAGE: Final = 500_000
"""Activities at once: it bounds memory, some 500 bytes each."""
_FIRST: Final = UUID(int=0)

_STATE: Final = """
    SELECT
        toUnixTimestamp64Micro(now64(6, 'UTC')),
        (SELECT toUnixTimestamp64Micro(argMax(built_until, built_at)) FROM live.engagement_build)
"""
_PAGE_END: Final = """
    SELECT count(), max(activity_id) FROM
    (
        SELECT activity_id FROM raw.activity
        WHERE activity_id > %(after)s
            AND (%(until)s = 0 OR activity_id IN live.engagement_unbuilt)
        ORDER BY activity_id
        LIMIT %(page)s
    )
"""
_BUILD: Final = """
    INSERT INTO live.engagement_fact
    SELECT *, fromUnixTimestamp64Micro(%(began)s, 'UTC')
    FROM live.engagement_recount(after = %(after)s, last = %(last)s)
"""
_IS_OLDER: Final = "built_at < fromUnixTimestamp64Micro(%(began)s, 'UTC')"
_HAS_OLDER: Final = f"SELECT count() FROM live.engagement_fact WHERE {_IS_OLDER}"
_DROP_OLDER: Final = f"ALTER TABLE live.engagement_fact DELETE WHERE {_IS_OLDER}"
_BUILT: Final = """
    INSERT INTO live.engagement_build
    SELECT
        fromUnixTimestamp64Micro(%(began)s, 'UTC'), fromUnixTimestamp64Micro(%(until)s, 'UTC')
"""
_DISTRUST: Final = """
    INSERT INTO live.engagement_build SELECT now64(6, 'UTC'), toDateTime64(0, 6, 'UTC')
"""


def build(url: SecretStr, settled: timedelta = SETTLED, page: int = _PAGE) -> int:
    """Build the facts of what was heard or decided since the last building; return of how much.

    After `distrust`, the first time, or where it is a page or more, of everything: to look up that
    many ids costs more than to read on. Can be cut off and repeated, and run beside writers and
    another building.

    Args:
        url: of the warehouse; its user may insert into, and alter, `live.engagement_fact`.
        settled: how old a row's stamp must be for it to be relied on that no older one comes.
        page: how many activities are worked out at once.

    Raises:
        Retryable, Fatal: as `warehouse.connection.fates` has it.
    """
    client = connect(url, mutations_sync=2)
    with fates("building the engagement facts"):
        ((began, until),) = client.execute(_STATE)
        if until and _page(client, until, page)[0] == page:
            client.execute(_DISTRUST)
            ((began, until),) = client.execute(_STATE)
        built = sum(_build_pages(client, began, until, page))
        if not until and client.execute(_HAS_OLDER, {"began": began})[0][0]:
            client.execute(_DROP_OLDER, {"began": began})
        relied_on = began - settled // timedelta(microseconds=1)
        client.execute(_BUILT, {"began": began, "until": relied_on})
    client.disconnect()
    return built


def _build_pages(client: Client, began: int, until: int, page: int) -> Iterator[int]:
    """Build page by page, in the order of the ids; yield how many activities each had."""
    count, last, after = *_page(client, until, page), _FIRST
    while count:
        client.execute(_BUILD, {"began": began, "after": after, "last": last})
        yield count
        after = last
        count, last = _page(client, until, page, after)


def _page(client: Client, until: int, page: int, after: UUID = _FIRST) -> tuple[int, UUID]:
    """Return how many activities the page behind an id has, and its last id."""
    ((count, last),) = client.execute(_PAGE_END, {"until": until, "page": page, "after": after})
    return count, last


def distrust(url: SecretStr) -> None:
    """Have the facts relied on no more, until they are built anew. Raises as `build` does."""
    client = connect(url)
    with fates("distrusting the engagement facts"):
        client.execute(_DISTRUST)
    client.disconnect()
