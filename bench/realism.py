"""How people talk and sell: the same figures from public data and from a simulated company."""

import email
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

DATA = Path(os.environ.get("HEADWATER_DATA", Path(__file__).parents[2] / "shared" / "data"))
Figures = Mapping[str, tuple[float, str]]

_ID = re.compile(r"<[^<>\s]+>")
_MARK = re.compile(r"^((re|fw|fwd|aw)\s*:\s*)+", re.IGNORECASE)
_BELIEVABLE = 300_000_000  # seconds since 1970: mail of 1979 has a broken clock
_PAUSE_DAYS = 14


class _Mail(NamedTuple):
    """What a mail's headers say."""

    own_id: str
    before: list[str]
    at: float
    sender: str
    subject: str


def simulated(folder: Path) -> Figures:
    """Return the figures of a company in the activities form."""
    deals = pd.read_parquet(folder / "sealed" / "deals.parquet")
    truth = pd.read_parquet(folder / "sealed" / "activities.parquet")
    seen = pd.read_parquet(folder / "activities.parquet").set_index("activity_id")
    at = seen["event_time"]
    mails = truth[truth["kind"].isin(["deal", "account"])]
    answers = mails[mails["answers"] >= 0]
    hours = (
        at.loc[answers["activity_id"]].to_numpy() - at.loc[answers["answers"]].to_numpy()
    ) / np.timedelta64(1, "h")
    length = seen.loc[mails["activity_id"], "thread_id"].value_counts()
    touches = (truth["opportunity_id"] != "").sum() / len(deals)
    return {
        **_of_replies(hours, length.to_numpy()),
        "touches per deal": (touches, "activities"),
        **_of_deals(deals["outcome"], deals["opened_at"], deals["ended_at"]),
    }


def maven() -> Figures:
    """Return the figures of the public CRM."""
    path = DATA / "maven_crm" / "sales_pipeline.csv"
    if not path.exists():
        return {}
    deals = pd.read_csv(path, parse_dates=["engage_date", "close_date"])
    outcome = deals["deal_stage"].str.lower()
    return _of_deals(outcome, deals["engage_date"], deals["close_date"])


def spamassassin() -> Figures:
    """Return the figures of mailing lists, threaded by their reply headers."""
    mails = {mail.own_id: mail for mail in _mails("spamassassin_raw", "*ham*/*")}
    parent = {
        mail.own_id: found[-1]
        for mail in mails.values()
        if (found := [each for each in mail.before if each in mails and each != mail.own_id])
    }
    hours = [(mails[a].at - mails[b].at) / 3600 for a, b in parent.items()]
    length = Counter(_root(parent, own_id) for own_id in mails)
    return _of_replies(np.array(hours), np.array([*length.values()])) if mails else {}


def enron() -> Figures:
    """Return the figures of a mailbox without reply headers, threaded by subject."""
    by_subject = defaultdict(list)
    for mail in {(m.sender, m.subject, m.at): m for m in _mails("enron_raw", "**/*")}.values():
        if (subject := _MARK.sub("", mail.subject.strip().lower())) and mail.at > _BELIEVABLE:
            by_subject[subject].append(mail)
    hours, lengths = [], []
    for mails in by_subject.values():
        for run in _runs(sorted(mails, key=lambda mail: mail.at)):
            lengths.append(len(run))
            hours += [(b.at - a.at) / 3600 for a, b in pairwise(run) if a.sender != b.sender]
    return _of_replies(np.array(hours), np.array(lengths)) if lengths else {}


def _of_replies(hours: np.ndarray, length: np.ndarray) -> Figures:
    hours = hours[(hours > 0) & (hours < 24 * 60)]
    low, middle, high = np.percentile(hours, [25, 50, 75])
    return {
        "response time, first quartile": (float(low), "h"),
        "response time, median": (float(middle), "h"),
        "response time, third quartile": (float(high), "h"),
        "mails in a thread with an answer": (float(length[length > 1].mean()), "mails"),
        "threads of one mail": (float((length == 1).mean()), "share"),
    }


def _of_deals(outcome: pd.Series, opened: pd.Series, ended: pd.Series) -> Figures:
    closed = outcome.isin(["won", "lost"])
    days = (ended - opened).dt.total_seconds()[closed] / 86_400
    won_in = ended[outcome == "won"].dt.month
    months = ended[closed].dt.to_period("M").unique()
    quarter_ends = sum(month.month % 3 == 0 for month in months) / len(months)
    return {
        "win rate": (float((outcome[closed] == "won").mean()), "share"),
        "cycle, first quartile": (float(days.quantile(0.25)), "days"),
        "cycle, median": (float(days.median()), "days"),
        "cycle, third quartile": (float(days.quantile(0.75)), "days"),
        "wins in a quarter's last month, against an even spread": (
            float((won_in % 3 == 0).mean() / quarter_ends),
            "times",
        ),
    }


def _runs(mails: list[_Mail]) -> Iterator[list[_Mail]]:
    """Yield runs of mails, each but the first an answer, without a long pause."""
    run: list[_Mail] = []
    for mail in mails:
        is_answer = mail.subject.strip().lower().startswith("re:")
        if run and not (is_answer and mail.at - run[-1].at < _PAUSE_DAYS * 86_400):
            yield run
            run = []
        run.append(mail)
    yield run


def _root(parent: Mapping[str, str], own_id: str) -> str:
    seen = set()
    while own_id in parent and own_id not in seen:
        seen.add(own_id)
        own_id = parent[own_id]
    return own_id


def _mails(corpus: str, pattern: str) -> Iterator[_Mail]:
    for path in sorted((DATA / corpus).glob(pattern)):
        if path.is_file():
            message = email.message_from_bytes(path.read_bytes())
            try:
                at = parsedate_to_datetime(str(message["Date"])).timestamp()
            except (TypeError, ValueError, OverflowError):
                continue
            answered = _ID.findall(str(message.get("In-Reply-To", "")))
            before = [*_ID.findall(str(message.get("References", ""))), *answered]
            own_id = str(message.get("Message-ID", "")).strip()
            subject = str(message.get("Subject", ""))
            yield _Mail(own_id, before, at, str(message.get("From")), subject)
