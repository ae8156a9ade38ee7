"""Office hours as an axis: minutes at work, one after the other, without nights and weekends."""

from typing import Final

import numpy as np

from simulator.company import History
from simulator.panel import month_on

OPENS_HOUR: Final = 8
DAY_MINUTES: Final = 600
"""Of a day at work: eight to six, in the company's own time."""

_TAIL_DAYS: Final = 120


class Office:
    """Turns minutes at work, counted from the history's first, into moments (UTC).

    Attributes:
        days: those on which people work, and some after the history.
        month_begins: the first minute of each month, and of the one after the last (T + 1).
        ends: the first moment after the history.
    """

    def __init__(self, history: History) -> None:
        firsts = [np.datetime64(month_on(history, m)) for m in range(history.months + 1)]
        self.ends = firsts[-1].astype("datetime64[s]")
        last = firsts[-1] + np.timedelta64(_TAIL_DAYS, "D")
        self.days = np.arange(firsts[0], last)
        self.days = self.days[np.is_busday(self.days)]
        self.month_begins = np.searchsorted(self.days, firsts) * DAY_MINUTES

    def moment(self, minute: np.ndarray) -> np.ndarray:
        """Return the moments of minutes; whole seconds of a fraction of a minute are kept."""
        day = np.minimum(minute // DAY_MINUTES, len(self.days) - 1).astype(int)
        seconds = ((minute - day * DAY_MINUTES) * 60).astype("timedelta64[s]")
        opens = np.timedelta64(OPENS_HOUR, "h")
        return np.asarray(self.days[day].astype("datetime64[s]") + opens + seconds)
