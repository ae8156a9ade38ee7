"""What a company of a given size needs, computed from the measured costs: `python -m bench.sizing`.

How much people write is assumed, in the constants below; every cost is a kept figure
(`make figures`). docs/deployment.md says what the numbers leave out.
"""

from dataclasses import dataclass
from typing import Final

from bench.figures import kept

SELLERS: Final = (50, 500, 5_000)
ACTIVITIES_A_DAY: Final = 100
"""Assumed: mails, calls and meetings of one seller, every day of the year."""
PEAK_HOUR_SHARE: Final = 0.2
"""Assumed: of a day's activities, in its busiest hour."""
ROWS_AN_ACTIVITY: Final = 3
"""Its sighting, itself, its match."""
BODY_BYTES: Final = 2_000
"""Assumed: the text of a mail, compressed, beside the columns."""

_DAYS: Final = 365


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes:
        seconds_a_mail: from an archive to the account of the run, start of the stack included: more
            than a mail costs, on the two cores of the machine that measured.
        bytes_a_row: of a backup, compressed.
        rows_a_second: that one restoring process writes.
    """

    seconds_a_mail: float
    bytes_a_row: float
    rows_a_second: float


@dataclass(frozen=True)
class Need:
    """What so many sellers need.

    Attributes:
        peak_events: heard in a second of the busiest hour.
        worker_share: of one worker's time, in that hour.
        backfill_hours: to bring in a year's mail with one worker.
        year_gigabytes: of disk, for a year of activities in one replica.
        restore_hours: to bring a year's rows back from a backup.
    """

    sellers: int
    peak_events: float
    worker_share: float
    backfill_hours: float
    year_gigabytes: float
    restore_hours: float


def costs() -> Costs:
    """Return the costs that the kept figures tell."""
    value = {figure.metric: figure.value for figure in kept()}
    return Costs(
        seconds_a_mail=value["enron_raw: start to account"] / value["enron_raw: seen"],
        bytes_a_row=value["size of a backup"],
        rows_a_second=value["rows restored"],
    )


def need(sellers: int, measured: Costs) -> Need:
    """Return what so many sellers need at these costs."""
    a_day = sellers * ACTIVITIES_A_DAY
    a_year = a_day * _DAYS
    peak_events = a_day * PEAK_HOUR_SHARE / 3600
    return Need(
        sellers=sellers,
        peak_events=peak_events,
        worker_share=peak_events * measured.seconds_a_mail,
        backfill_hours=a_year * measured.seconds_a_mail / 3600,
        year_gigabytes=a_year * (ROWS_AN_ACTIVITY * measured.bytes_a_row + BODY_BYTES) / 1e9,
        restore_hours=a_year * ROWS_AN_ACTIVITY / measured.rows_a_second / 3600,
    )


def main() -> None:
    """Print the table of docs/deployment.md."""
    print(
        "| sellers | peak, events/s | of one worker | backfill of a year | disk a year | restore |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    measured = costs()
    for one in (need(sellers, measured) for sellers in SELLERS):
        print(
            f"| {one.sellers:,} | {one.peak_events:.2g} | {one.worker_share:.1%} "
            f"| {one.backfill_hours:,.0f} h | {one.year_gigabytes:,.0f} GB "
            f"| {one.restore_hours:,.1f} h |"
        )


if __name__ == "__main__":
    main()
