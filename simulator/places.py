"""Where people live, and their office hours there: eight to six on the clock of each zone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simulator.company import History
from simulator.office import DAY_MINUTES, OPENS_HOUR

ZONES: Final = (
    "UTC", "Europe/London", "America/New_York", "Europe/Berlin", "America/Los_Angeles",
    "America/Chicago", "America/Toronto", "America/Vancouver", "Europe/Vienna", "Europe/Zurich",
    "Europe/Paris", "Europe/Brussels", "Europe/Madrid", "America/Mexico_City",
)  # fmt: skip
"""Those of places, by number; the first is that of machines, and of who lives nowhere."""

_OFFICES: Final = ("Europe/London", "America/New_York", "Europe/Berlin", "America/Los_Angeles")
"""Of our regions, one after the other."""
_OF_COUNTRY: Final[Mapping[str, Sequence[str]]] = {
    "US": ("America/New_York", "America/New_York", "America/Chicago", "America/Los_Angeles"),
    "GB": ("Europe/London",),
    "CA": ("America/Toronto", "America/Toronto", "America/Vancouver"),
    "DE": ("Europe/Berlin",),
    "AT": ("Europe/Vienna",),
    "CH": ("Europe/Zurich",),
    "FR": ("Europe/Paris",),
    "BE": ("Europe/Brussels",),
    "ES": ("Europe/Madrid",),
    "MX": ("America/Mexico_City",),
}
_SHORTEST_OVERLAP: Final = 2 * 3600
_SATURDAY: Final = 5
_CLOSES_HOUR: Final = OPENS_HOUR + DAY_MINUTES // 60


def account_zones(countries: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Draw the zone of each account from its country."""
    shares = rng.random(len(countries))
    among = [_OF_COUNTRY[country] for country in countries]
    return np.array([
        ZONES.index(zones[int(share * len(zones))])
        for zones, share in zip(among, shares.tolist(), strict=True)
    ])  # fmt: skip


def our_zones(history: History) -> np.ndarray:
    """Return the zone of each rep, then of each team's manager: their region has one office.

    Whoever came with a team stays where that is.
    """
    latent = history.latent
    first = np.clip(history.hired, 0, history.months - 1)
    team = np.concatenate([latent.team[first, history.seat], np.arange(latent.region.size)])
    offices = np.array([ZONES.index(zone) for zone in _OFFICES])
    return np.asarray(offices[latent.region[team] % offices.size])


@lru_cache
def clock(zone: int) -> tzinfo:
    """Return the clock of a zone."""
    return ZoneInfo(ZONES[zone])


def at_work(moment: datetime, zone: tzinfo, *, step: int = 1) -> datetime:
    """Return a moment on the clock of a zone, moved into its office hours if it is in none.

    Args:
        moment: with its time zone.
        zone: a clock.
        step: 1 moves it to a later hour; -1 to one of the same day, or of a Friday before.
    """
    local = moment.astimezone(zone)
    if local.hour >= _CLOSES_HOUR and step > 0:
        local = local.replace(hour=OPENS_HOUR) + timedelta(days=1)
    local = local.replace(hour=min(max(local.hour, OPENS_HOUR), _CLOSES_HOUR - 1))
    while local.weekday() >= _SATURDAY:
        local = local.replace(hour=OPENS_HOUR if step > 0 else local.hour) + timedelta(days=step)
    return local


class Clocks:
    """Office hours in every zone: minutes at work there to moments (UTC), and back.

    Args:
        days: those on which people work.
    """

    def __init__(self, days: np.ndarray) -> None:
        told = days.tolist()
        self._opens = np.array(
            [[_opening(day, zone) for day in told] for zone in range(len(ZONES))]
        )
        self._apart = 2 * int(np.ptp(self._opens) + 86_400)
        self._line = (self._opens + self._apart * np.arange(len(ZONES))[:, None]).ravel()

    def moment(self, zone: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """Return the moments of minutes at work, each in its zone."""
        day = np.clip(minute // DAY_MINUTES, 0, self._opens.shape[1] - 1).astype(int)
        seconds = ((minute - day * DAY_MINUTES) * 60).astype("int64")
        return np.asarray((self._opens[zone, day] + seconds).astype("datetime64[s]"))

    def minute(self, zone: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the first minute at work in each zone that is not before a moment."""
        day = self._day(zone, at)
        worked = (_seconds(at) - self._opens[zone, day]) / 60
        return np.asarray(day * DAY_MINUTES + np.clip(worked, 0, DAY_MINUTES))

    def after(self, zone: np.ndarray, at: np.ndarray, minutes: np.ndarray) -> np.ndarray:
        """Return the moments so many minutes at work later, each in its zone."""
        return self.moment(zone, self.minute(zone, at) + minutes)

    def within(
        self, zone: np.ndarray, minute: np.ndarray, since: np.ndarray, until: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the moments of minutes at work, moved into a span; and which spans have any."""
        last = self.minute(zone, until)
        last = np.where(self.moment(zone, last) > until, last - 1, last)
        at = self.moment(zone, np.minimum(np.maximum(minute, self.minute(zone, since)), last))
        return at, np.asarray(at >= since)

    def closing(self, zone: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return when the office closes on the day of each moment."""
        closes = self._opens[zone, self._day(zone, at)] + DAY_MINUTES * 60
        return np.asarray(closes.astype("datetime64[s]"))

    def together(self, ours: np.ndarray, theirs: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """Return moments in the hours of both zones; in theirs alone where two hours are not."""
        day = np.clip(minute // DAY_MINUTES, 0, self._opens.shape[1] - 1).astype(int)
        us, them = self._opens[ours, day], self._opens[theirs, day]
        begins, left = np.maximum(us, them), DAY_MINUTES * 60 - np.abs(us - them)
        is_short = left < _SHORTEST_OVERLAP
        begins = np.where(is_short, them, begins)
        share = (minute - day * DAY_MINUTES) / DAY_MINUTES
        lasts = np.where(is_short, DAY_MINUTES * 60, left)
        return np.asarray((begins + (share * lasts).astype("int64")).astype("datetime64[s]"))

    def _day(self, zone: np.ndarray, at: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self._line, _seconds(at) + self._apart * zone, side="right") - 1
        count = self._opens.shape[1]
        return np.asarray(np.clip(place - zone * count, 0, count - 1))


def _opening(day: date, zone: int) -> int:
    return int(datetime(day.year, day.month, day.day, OPENS_HOUR, tzinfo=clock(zone)).timestamp())


def _seconds(at: np.ndarray) -> np.ndarray:
    return np.asarray(at).astype("datetime64[s]").astype("int64")
