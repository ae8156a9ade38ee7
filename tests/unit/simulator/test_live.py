"""A company that lives until now: its history ends here, and the live day goes on from it."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pandas as pd
import pytest
from typer.testing import CliRunner

import cli.commands  # noqa: F401 registers the commands
from cli import app
from contracts.clock import ManualClock, SystemClock
from contracts.company import Company
from contracts.errors import UserError
from ingest.sources.calls import CallLogSource
from ingest.sources.maildir import MaildirSource
from simulator.demo import MONTHS, demo_order, ending
from simulator.follow import Order, follow
from simulator.live import LiveMail, deliver_mail, live_messages
from simulator.write import write_company
from tests.unit.simulator.companies import scenario_with
from transforms.calls import decode_call
from transforms.mail import decode_mail

NOW = datetime(2026, 7, 15, 15, 20, 30, 250, tzinfo=UTC)
ORDER = Order(ending(scenario_with(), NOW, 6), 5, 6, 3, until=NOW, mail_months=2)
COMPANY = Company(own_domains=("fernhill.example",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("until")
    write_company("messages", ORDER, folder, lambda done, of: None)
    return folder


@pytest.fixture(scope="module")
def company():
    return follow(ORDER)


class Ticking:
    """A clock on which ten seconds pass between two looks."""

    def __init__(self):
        self.at = NOW

    def now(self):
        self.at += timedelta(seconds=10)
        return self.at


def day(company, count, clock=None):
    return [*islice(live_messages(company, clock or Ticking()), count)]


def ids(events):
    return [e.message_id if isinstance(e, LiveMail) else e.payload["call_id"] for e in events]


def test_nothing_is_written_that_has_not_happened(folder):
    told = pd.concat([pd.read_csv(path) for path in (folder / "crm").glob("*.csv")])
    assert pd.to_datetime(told["changed_at"]).max() < NOW
    assert pd.to_datetime(told["changed_at"]).max() > NOW - timedelta(days=3)
    with (folder / "calls.jsonl").open() as calls:
        said = [datetime.fromisoformat(json.loads(line)["started_at"]) for line in calls]
    mailed = [int(path.name.partition(".")[0]) for path in folder.glob("mail/*/cur/*")]
    assert max(said) < NOW
    assert max(mailed) < NOW.timestamp()


def test_mail_is_of_the_last_months_alone(folder):
    mailed = [int(path.name.partition(".")[0]) for path in folder.glob("mail/*/cur/*")]
    june = datetime(2026, 5, 20, tzinfo=UTC)  # an invitation comes days before its meeting
    assert june.timestamp() < min(mailed) < datetime(2026, 6, 4, tzinfo=UTC).timestamp()


def test_everybody_of_today_has_a_team_and_a_territory(folder):
    assigned = pd.read_csv(folder / "crm" / "assignments.csv")
    reps = pd.read_csv(folder / "crm" / "reps.csv").drop_duplicates("rep_id", keep="last")
    today = reps.loc[reps["left_on"].isna(), "rep_id"]
    for kind in ("team", "territory", "manager"):
        lasting = assigned[(assigned["parent_kind"] == kind) & assigned["effective_to"].isna()]
        assert set(today) <= set(lasting["child_id"])


def test_the_demos_company_ends_in_the_month_that_has_begun():
    order = demo_order(NOW)
    assert order.scenario.first_month.isoformat() == "2024-07-01"
    assert order.months == MONTHS + 1
    assert {each.kind for each in order.scenario.investments} == {
        "training", "spif", "tool", "event", "content", "campaign",
    }  # fmt: skip


@pytest.mark.parametrize("month", range(1, 13))
def test_a_history_ends_in_the_month_of_any_day(month):
    now = datetime(2026, month, 28, tzinfo=UTC)
    first = ending(scenario_with(), now, 25).first_month
    assert (first.year, first.month) == (2024, month)


def test_every_event_becomes_an_activity_dated_at_its_moment(company):
    clock = Ticking()
    channels = Counter()
    for event in islice(live_messages(company, clock), 300):
        if isinstance(event, LiveMail):
            for raw in event.copies.values():
                activity = decode_mail(raw, NOW, COMPANY)
                assert activity.message_id == event.message_id
            assert timedelta(0) <= clock.at - activity.event_time < timedelta(seconds=1)
        else:
            activity = decode_call(json.dumps(event.payload).encode(), NOW, COMPANY)
            ended = activity.event_time + timedelta(seconds=event.payload["duration_seconds"])
            assert timedelta(0) <= clock.at - ended < timedelta(seconds=11)
        channels[activity.channel] += 1
    assert len(channels) == 3


def test_no_id_comes_up_twice_not_even_on_another_day(company, folder):
    sealed = pd.read_parquet(folder / "sealed" / "messages.parquet")["name"].tolist()
    later = day(company, 300, ManualClock(NOW + timedelta(days=1)))
    seen = Counter(ids(day(company, 3_000)) + ids(later) + sealed)
    assert max(seen.values()) == 1


def test_an_answer_answers_a_mail_of_the_same_day(company):
    mails = [event for event in day(company, 1_000) if isinstance(event, LiveMail)]
    came, answers = set(), 0
    for mail in mails:
        activity = decode_mail(next(iter(mail.copies.values())), NOW, COMPANY)
        answers += activity.thread_id != activity.message_id
        assert activity.thread_id in {*came, activity.message_id}
        came.add(activity.message_id)
    assert answers > 200


def test_a_live_mail_lies_whole_in_the_mailbox_of_each_of_ours(company, folder):
    mails = [event for event in day(company, 50) if isinstance(event, LiveMail)]
    for mail in mails:
        deliver_mail(folder / "mail", mail)
    new = list(folder.glob("mail/*/new/*"))
    assert len(new) == sum(len(mail.copies) for mail in mails) > len(mails) / 2
    assert not [*folder.glob("mail/*/tmp/*")]


def test_a_stream_has_todays_dates_and_ends_when_it_is_told(tmp_path):
    out = tmp_path / "out"
    asked = ["simulate", "--form", "messages", "--reps", "3", "--years", "0.25", "--seed", "2"]
    before = SystemClock().now()
    done = CliRunner().invoke(
        app, [*asked, "--stream", "500", "--messages", "60", "--out", str(out)]
    )
    told = json.loads(done.stdout.splitlines()[-1])
    sealed = pd.read_parquet(out / "sealed" / "messages.parquet")
    assert told["rows"] == len(sealed) + 60
    new = {path.name for path in out.glob("mail/*/new/*")}
    heard = [each for each in MaildirSource(out / "mail").read("") if hasattr(each, "payload")]
    assert len(heard) > len(new)
    calls = [e for e in CallLogSource(out / "calls.jsonl").read("") if hasattr(e, "payload")]
    kinds = sealed["kind"].isin(["call", "meeting"]).sum()
    assert len(new) + len(calls) - kinds == 60
    assert min(int(name.partition(".")[0]) for name in new) >= int(before.timestamp())


@pytest.mark.parametrize(
    ("form", "rate", "why"), [("messages", "0", "above 0"), ("panel", "5", "only messages")]
)
def test_a_stream_that_cannot_be_is_refused(tmp_path, form, rate, why):
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["simulate", "--form", form, "--stream", rate, "--out", str(out)]
    )
    assert isinstance(done.exception, UserError)
    assert why in str(done.exception)
    assert not out.exists()
