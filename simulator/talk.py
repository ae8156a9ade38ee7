"""What people say to each other: conversations, calls and meetings that arise from engagement.

A conversation is a cluster of a Hawkes process, drawn as a branching process (Hawkes & Oakes,
Journal of Applied Probability 11, 1974): first mails come at a rate that grows with the deal's
engagement; each mail is answered with a chance that grows with it too, after a delay in office
hours; the answer may be answered. Nothing here looks at how a deal ends, but for when.
"""

from typing import Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.directory import Directory
from simulator.dynamics import dynamics_of
from simulator.office import Office
from simulator.places import Clocks
from simulator.said import (
    ACCOUNT,
    AUTOMATIC,
    AWAY,
    BOUNCE,
    BULK,
    CALL,
    DEAL,
    INTERNAL,
    MEETING,
    PARTNER,
)
from simulator.timeline import Timeline

_LONGEST: Final = 14
_NOBODY: Final = -1
_ANYBODY: Final = 8
_MEETING_SECONDS: Final = (1500, 1800, 2700, 3600)
_CALL_LOG_SECONDS, _CALL_SIGMA = 5.4, 0.9
_EVENING_MINUTES: Final = (60, 240)
_STREAMS: Final = 6
_A_MINUTE: Final = np.timedelta64(60, "s")
_HALF_HOUR: Final = 1800
_WHOLE: Final = (
    "number", "thread", "step", "parent", "person", "account", "contact", "copied", "colleague",
    "deal", "level", "seconds",
)  # fmt: skip
_TRUTHS: Final = ("by_us", "from_other", "with_partner", "is_connected", "is_recorded")
_TYPES: Final = dict.fromkeys(_WHOLE, "int64") | dict.fromkeys(_TRUTHS, "bool")


class Talk:
    """Draws what is said month by month: frames in order of time, with the columns of `Said`."""

    def __init__(
        self, history: History, timeline: Timeline, who: Directory, chance: Chance
    ) -> None:
        self._history, self._timeline, self._who = history, timeline, who
        self._knobs = history.scenario.talk
        self._rng = chance.talk
        self._office = Office(history)
        self._clocks = Clocks(self._office.days)
        self._levels = dynamics_of(history.scenario).levels
        self._has_other = np.append([other != "" for other in who.contact_other], False)
        self._next_number = self._next_thread = 0

    def month(self, month: int) -> pd.DataFrame:
        """Draw a month. Conversations that begin in it are followed to their end."""
        parts = [
            *self._of_deals(month),
            self._idle(month),
            *self._among_colleagues(month),
            self._bulk(month),
        ]
        parts += self._machines(pd.concat(parts[:1]))
        said = pd.concat(parts, ignore_index=True).astype(_TYPES)
        said["from_other"] = self._from_other(said)
        said = self._some_in_the_evening(said)
        said = said[said["at"] < self._office.ends]
        ordered: pd.DataFrame = said.sort_values(["at", "number"], ignore_index=True)
        return ordered

    def _of_deals(self, month: int) -> list[pd.DataFrame]:
        """Draw conversations, calls and meetings of the deals that are open in a month."""
        begins, ends = self._office.month_begins[month : month + 2]
        open_ = self._timeline.open_in(month)
        open_["opened_at"] = self._office.moment(open_["opened_minute"].to_numpy())
        open_["ended_at"] = self._office.moment(open_["ended_minute"].to_numpy())
        since = np.maximum(open_["opened_minute"].to_numpy(), begins)
        until = np.minimum(open_["ended_minute"].to_numpy(), ends)
        lived = np.maximum(until - since, 0) / (ends - begins)
        warm = np.exp(self._knobs.engagement_log * self._levels[open_["level"]])
        made = []
        for kind, rate in (
            (DEAL, self._knobs.threads_per_month),
            (CALL, self._knobs.calls_per_month),
            (MEETING, self._knobs.meetings_per_month),
        ):
            row = np.repeat(np.arange(len(open_)), self._rng.poisson(rate * lived * warm))
            minute = since[row] + self._rng.random(row.size) * (until - since)[row]
            first = self._first(kind, month, open_.iloc[row], minute)
            span = open_.iloc[row][["opened_at", "ended_at"]].to_numpy("datetime64[s]").T
            made.append(
                self._answered(first, *span) if kind == DEAL else self._spoken(first, *span)
            )
        return made

    def _first(
        self, kind: str, month: int, about: pd.DataFrame, minute: np.ndarray
    ) -> pd.DataFrame:
        """Return the beginnings of talk about some deals or accounts, with whom it is."""
        rng, count = self._rng, len(about)
        account, level = about["account"].to_numpy(), about["level"].to_numpy()
        wider = rng.geometric(1 / (1.2 + 0.35 * np.maximum(level, 0)), (2, count)) - 1
        lead, group = about["lead"].to_numpy(), about["group"].to_numpy()
        others = rng.random(count) < 0.15 + 0.1 * np.maximum(level, 0)
        contact = self._one_of(account, lead + wider[0] % group, month)
        copied = self._one_of(account, lead + (wider[0] + 1 + wider[1]) % group, month)
        return self._frame(
            kind,
            month,
            minute,
            seat=about["seat"].to_numpy(),
            account=account,
            contact=contact,
            copied=np.where(others & (copied != contact), copied, _NOBODY),
            deal=about["deal"].to_numpy(),
            level=level,
            with_partner=(kind == DEAL) & (rng.random(count) < self._knobs.partner_copied),
        )

    def _one_of(self, account: np.ndarray, place: np.ndarray, month: int) -> np.ndarray:
        """Return an account's contact at this place of its people; the next where one is away."""
        first, people = self._who.first_contact[account], np.diff(self._who.first_contact)[account]
        contact = first + place % people
        away = self._who.moves.away(contact, month)
        return np.asarray(np.where(away, first + (place + 1) % people, contact))

    def _from_other(self, said: pd.DataFrame) -> np.ndarray:
        """Draw which mails of theirs come from a second address."""
        written = ~said["by_us"] & said["kind"].isin([DEAL, ACCOUNT])
        may = written.to_numpy() & self._has_other[said["contact"]]
        chance = self._rng.random(len(said))
        return np.asarray(may & (chance < self._knobs.other_address_share))

    def _idle(self, month: int) -> pd.DataFrame:
        """Draw conversations with accounts that need no deal."""
        count = self._rng.poisson(self._knobs.idle_threads_per_month, len(self._who.industry))
        account = np.repeat(np.arange(count.size), count)
        lead = self._rng.integers(0, 8, account.size)
        seat = account // self._history.latent.size.shape[1]
        columns = {"seat": seat, "account": account, "lead": lead, "group": _ANYBODY}
        columns |= {"deal": _NOBODY, "level": 2}
        about = pd.DataFrame(columns, index=range(account.size))
        return self._answered(self._first(ACCOUNT, month, about, self._minutes(month, len(about))))

    def _among_colleagues(self, month: int) -> list[pd.DataFrame]:
        """Draw what reps write to each other, and to partners, who are nobody in the CRM."""
        made = []
        for kind, rate in (
            (INTERNAL, self._knobs.internal_per_month),
            (PARTNER, self._knobs.partner_per_month),
        ):
            seat = self._per_seat(rate / 2)  # about two mails a conversation
            mail = self._frame(kind, month, self._minutes(month, seat.size), seat=seat)
            if kind == INTERNAL:
                mail["colleague"] = self._team_mate(month, seat)
            made.append(self._answered(mail))
        return made

    def _bulk(self, month: int) -> pd.DataFrame:
        seat = self._per_seat(self._knobs.bulk_per_month)
        mail = self._frame(BULK, month, self._minutes(month, seat.size), seat=seat)
        at = self._office.moment(mail["minute"].to_numpy())
        return mail.assign(by_us=False, level=self._rng.integers(0, _STREAMS, seat.size), at=at)

    def _machines(self, mails: pd.DataFrame) -> list[pd.DataFrame]:
        """Draw what machines answer to mails of ours: out of office, or no such mailbox."""
        chance = self._rng.random(len(mails))
        ours = mails["by_us"].to_numpy(dtype=bool)
        is_away = ours & (chance < self._knobs.away_share)
        bounces = ours & (mails["step"].to_numpy() == 0)
        bounces &= chance > 1 - self._knobs.bounce_share
        return [
            self._by_machine(kind, mails[which])
            for kind, which in ((AWAY, is_away), (BOUNCE, bounces))
        ]

    def _by_machine(self, kind: str, mails: pd.DataFrame) -> pd.DataFrame:
        """Return what a machine answers to each mail, a minute later."""
        return mails.assign(
            kind=kind,
            by_us=False,
            copied=_NOBODY,
            colleague=_NOBODY,
            with_partner=False,
            at=mails["at"] + _A_MINUTE,
            step=mails["step"] + 1,
            parent=mails["number"],
            number=self._numbers(len(mails)),
        )

    def _answered(
        self, first: pd.DataFrame, since: np.ndarray | None = None, until: np.ndarray | None = None
    ) -> pd.DataFrame:
        """Return conversations from their first mails: each answer may be answered.

        Everybody writes in their own office hours. First mails fall into a span, if there is one;
        where it has none of their hours, there is no conversation.
        """
        knobs, rng = self._knobs, self._rng
        zone, minute = self._zone(first), first["minute"].to_numpy()
        if since is None or until is None:
            first = first.assign(at=self._clocks.moment(zone, minute))
        else:
            at, has_hours = self._clocks.within(zone, minute, since, until)
            first = first.assign(at=at)[has_hours]
        mails, last = [first], first
        logit = np.log(knobs.reply_rate / (1 - knobs.reply_rate)) if knobs.reply_rate < 1 else 9.0
        while len(last) and len(mails) < _LONGEST:
            warm = self._levels[last["level"]]
            likely = 1 / (1 + np.exp(-logit - knobs.engagement_reply * warm))
            last = last[rng.random(len(last)) < likely * bool(knobs.reply_rate)]
            by_us = ~last["by_us"].to_numpy(dtype=bool)
            median = np.where(by_us, knobs.reply_hours_us, knobs.reply_hours_them)
            delay = 60 * median * np.exp(rng.normal(0, knobs.reply_sigma, len(last)))
            number = self._numbers(len(last))
            last = last.assign(by_us=by_us)
            last = last.assign(
                at=self._clocks.after(
                    self._zone(last), last["at"].to_numpy(), np.maximum(delay, 2)
                ),
                step=last["step"] + 1,
                parent=last["number"],
                number=number,
            )
            mails.append(last)
        return pd.concat(mails, ignore_index=True)

    def _zone(self, said: pd.DataFrame) -> np.ndarray:
        """Return the zone of whoever says something."""
        ours, theirs = self._who.rep_zone, np.append(self._who.contact_zone, 0)
        them = np.where(said["kind"] == INTERNAL, ours[said["colleague"]], theirs[said["contact"]])
        return np.asarray(np.where(said["by_us"], ours[said["person"]], them))

    def _spoken(self, talks: pd.DataFrame, since: np.ndarray, until: np.ndarray) -> pd.DataFrame:
        """Return calls and meetings with how they went: in the hours of both, within a span."""
        knobs, rng, count = self._knobs, self._rng, len(talks)
        is_call = talks["kind"].to_numpy() == CALL
        reached = rng.random(count) < np.where(is_call, knobs.connected_rate, 0.92)
        call = np.exp(rng.normal(_CALL_LOG_SECONDS, _CALL_SIGMA, count)).clip(15, 5_400)
        seconds = np.where(is_call, call, rng.choice(_MEETING_SECONDS, count)).astype(int)
        ours = self._who.rep_zone[talks["person"]]
        theirs = self._who.contact_zone[talks["contact"]]
        at = self._clocks.together(ours, theirs, talks["minute"].to_numpy())
        at = np.minimum(np.maximum(at, since), until)
        half_hours = -(-at.astype("int64") // _HALF_HOUR) * _HALF_HOUR
        return talks.assign(
            at=np.where(is_call, at, half_hours.astype("datetime64[s]")),
            copied=np.where(is_call, _NOBODY, talks["copied"]),
            colleague=np.where(is_call, _NOBODY, talks["colleague"]),
            seconds=np.where(reached, seconds, 0),
            is_connected=reached,
            is_recorded=reached & (rng.random(count) < knobs.consent_rate),
        )

    def _frame(
        self, kind: str, month: int, minute: np.ndarray, seat: np.ndarray, **known: np.ndarray
    ) -> pd.DataFrame:
        """Return the first of each conversation; what is not known is nobody."""
        count, rng = len(minute), self._rng
        has_colleague = rng.random(count) < self._knobs.colleague_share
        columns = {
            "number": self._numbers(count),
            "kind": kind,
            "minute": minute,
            "thread": self._next_thread + np.arange(count),
            "step": 0,
            "parent": _NOBODY,
            "by_us": rng.random(count) >= self._knobs.initiated_by_them,
            "person": self._history.person[month][seat],
            **dict.fromkeys(("account", "contact", "copied", "deal"), _NOBODY),
            "colleague": np.where(has_colleague, self._team_mate(month, seat), _NOBODY),
            "level": 2,
            "seconds": 0,
            "from_other": False,
            "with_partner": False,
            "is_connected": True,
            "is_recorded": False,
            **known,
        }
        self._next_thread += count
        return pd.DataFrame(columns, index=range(count))

    def _team_mate(self, month: int, seat: np.ndarray) -> np.ndarray:
        """Draw a colleague for each seat: one of the same team, or its manager."""
        team = self._history.latent.team[month]
        order = np.argsort(team, kind="stable")
        place, begins = np.empty_like(order), np.searchsorted(team[order], team)
        place[order] = np.arange(order.size)
        size = np.bincount(team)[team]
        step = self._rng.integers(1, np.maximum(size[seat], 2))
        mate = order[begins[seat] + (place[seat] - begins[seat] + step) % size[seat]]
        manager = len(self._history.seat) + team[seat]
        is_manager = (mate == seat) | (self._rng.random(seat.size) < self._knobs.manager_share)
        return np.asarray(np.where(is_manager, manager, self._history.person[month][mate]))

    def _per_seat(self, rate: float) -> np.ndarray:
        reps = self._history.person.shape[1]
        return np.repeat(np.arange(reps), self._rng.poisson(rate, reps))

    def _minutes(self, month: int, count: int) -> np.ndarray:
        begins, ends = self._office.month_begins[month : month + 2]
        return np.asarray(self._rng.uniform(begins, ends, count))

    def _some_in_the_evening(self, said: pd.DataFrame) -> pd.DataFrame:
        """Move some last mails of conversations into the evening of their day."""
        is_last = ~said["number"].isin(said["parent"])
        by_hand = ~said["kind"].isin([CALL, MEETING, *AUTOMATIC])
        late = is_last & by_hand & (self._rng.random(len(said)) < self._knobs.evening_share)
        closes = self._clocks.closing(self._zone(said), said["at"].to_numpy())
        seconds = self._rng.uniform(*_EVENING_MINUTES, len(said)) * 60
        evening = closes + seconds.astype("timedelta64[s]")
        return said.assign(at=np.where(late, evening, said["at"].to_numpy("datetime64[s]")))

    def _numbers(self, count: int) -> np.ndarray:
        """Return numbers that nothing has yet."""
        self._next_number += count
        return np.arange(self._next_number - count, self._next_number)
