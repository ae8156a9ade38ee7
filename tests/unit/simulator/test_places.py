"""People work on the clock of where they live, and answer in their own office hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from simulator.follow import Order, follow
from simulator.places import ZONES, Clocks, at_work, clock
from simulator.said import BULK, CALL, MEETING, PARTNER
from tests.unit.simulator.companies import scenario_with

NEW_YORK, BERLIN, LOS_ANGELES = (
    ZONES.index(zone) for zone in ("America/New_York", "Europe/Berlin", "America/Los_Angeles")
)
DAYS = np.arange(np.datetime64("2024-03-01"), np.datetime64("2024-05-01"))
CLOCKS = Clocks(DAYS[np.is_busday(DAYS)])


def moments(*texts):
    return np.array(texts, "datetime64[s]")


def test_a_morning_is_that_of_the_zone_in_winter_and_in_summer():
    zone, minute = np.array([NEW_YORK, NEW_YORK, BERLIN]), np.array([30.0, 600.0 * 6 + 30, 30.0])
    told = moments("2024-03-01T13:30", "2024-03-11T12:30", "2024-03-01T07:30")
    assert (CLOCKS.moment(zone, minute) == told).all()
    assert CLOCKS.minute(zone, told).tolist() == minute.tolist()


def test_what_comes_at_night_is_answered_in_the_morning_after():
    at = moments("2024-03-01T23:30", "2024-03-02T12:00", "2024-03-04T06:00")
    zone = np.full(3, BERLIN)
    after = CLOCKS.after(zone, at, np.full(3, 15.0))
    assert (after == moments(*["2024-03-04T07:15"] * 3)).all()


def test_a_span_without_office_hours_has_none():
    zone = np.full(2, BERLIN)
    since = moments("2024-03-04T17:30", "2024-03-04T16:00")
    until = moments("2024-03-04T17:50", "2024-03-04T17:50")
    at, has_hours = CLOCKS.within(zone, np.zeros(2), since, until)
    assert has_hours.tolist() == [False, True]
    assert at[1] == since[1]


def test_people_talk_in_the_hours_of_both_or_in_the_buyer_s():
    ours, minute = np.array([BERLIN, BERLIN]), np.array([0.0, 0.0])
    at = CLOCKS.together(ours, np.array([NEW_YORK, LOS_ANGELES]), minute)
    assert (at == moments("2024-03-01T13:00", "2024-03-01T16:00")).all()


@pytest.mark.parametrize(
    ("step", "told", "moved"),
    [
        (1, "2024-03-01T15:00", "2024-03-01T15:00"),
        (1, "2024-03-01T19:10", "2024-03-04T08:10"),
        (1, "2024-03-02T10:10", "2024-03-04T08:10"),
        (-1, "2024-03-03T21:10", "2024-03-01T17:10"),
        (-1, "2024-03-04T05:10", "2024-03-04T08:10"),
    ],
)
def test_a_moment_is_moved_into_office_hours(step, told, moved):
    zone = ZoneInfo("Europe/Berlin")
    at = datetime.fromisoformat(told).replace(tzinfo=zone)
    assert at_work(at.astimezone(UTC), zone, step=step) == at.replace(
        **{part: getattr(datetime.fromisoformat(moved), part) for part in ("month", "day", "hour")}
    )


@pytest.fixture(scope="module")
def company():
    knobs = {"people": {"team_size": 4, "teams_in_region": 1}, "talk": {"evening_share": 0.0}}
    return follow(Order(scenario_with(**knobs), reps=8, months=6, seed=3))


@pytest.fixture(scope="module")
def said(company):
    told = pd.concat(company.talk(lambda done, of: None), ignore_index=True)
    return told.set_index("number")


def zone_of(company, said):
    theirs = np.append(company.who.contact_zone, 0)[said["contact"]]
    return np.where(said["by_us"], company.who.rep_zone[said["person"]], theirs)


def local_hours(said, zones):
    at = said["at"].dt.tz_localize(UTC).dt.to_pydatetime()
    local = [moment.astimezone(clock(zone)) for moment, zone in zip(at, zones, strict=True)]
    return np.array([moment.hour + moment.minute / 60 for moment in local]), np.array(
        [moment.weekday() for moment in local]
    )


def test_everybody_writes_in_their_own_office_hours(company, said):
    assert len(set(company.who.rep_zone.tolist())) > 1
    by_hand = said[(said["contact"] >= 0) & ~said["kind"].isin([CALL, MEETING, "away", "bounce"])]
    hours, weekdays = local_hours(by_hand, zone_of(company, by_hand))
    assert len(by_hand) > 1000
    assert (hours >= 8).all()
    assert (hours <= 18).all()
    assert (weekdays < 5).all()


def test_an_answer_takes_its_median_of_the_answerer_s_own_hours(company, said):
    """By the clock of the wall it takes much longer, the more so from another continent."""
    answers = said[(said["parent"] >= 0) & said["kind"].isin(["deal", "account"])]
    asked = said.loc[answers["parent"]]
    clocks = Clocks(company.office.days)
    zone = zone_of(company, answers)
    worked = clocks.minute(zone, answers["at"].to_numpy()) - clocks.minute(
        zone, asked["at"].to_numpy()
    )
    wall = (answers["at"].to_numpy() - asked["at"].to_numpy()) / np.timedelta64(60, "s")
    talk = company.history.scenario.talk
    for by_us, hours in ((True, talk.reply_hours_us), (False, talk.reply_hours_them)):
        which = answers["by_us"].to_numpy() == by_us
        assert np.median(worked[which]) / 60 == pytest.approx(hours, rel=0.12)
        assert np.median(wall[which]) > 1.2 * np.median(worked[which])


def test_machines_keep_no_zone(said):
    assert (said.loc[said["kind"].isin([BULK, PARTNER]), "contact"] < 0).all()


def test_mails_calls_and_invitations_carry_the_offset_of_their_writers(company):
    from random import Random

    from simulator import meetings
    from simulator.people import People
    from simulator.said import each_said

    people = People(company.history, company.who)
    *_, month = company.talk(lambda done, of: None)
    rows = [row for row in each_said(month) if row.kind == MEETING]
    assert len(rows) > 20
    for row in rows:
        talked = meetings.talked(row, people, company.offers, Random(1))
        told = datetime.fromisoformat(meetings.report(row, talked)["started_at"])
        local = row.at.astimezone(talked.ours[0].zone)
        assert (told, told.utcoffset()) == (row.at, local.utcoffset())
        assert f"TZID={local.tzinfo}:{local:%Y%m%dT%H%M%S}" in meetings.calendar(
            row, talked, "REQUEST"
        ).replace("\r\n ", "")
        asked, answer = meetings.invitation(row, talked, Random(2))
        assert asked.at < answer.at < row.at
        for letter in (asked, answer):
            assert letter.at.utcoffset() == letter.at.astimezone(letter.sender.zone).utcoffset()
        assert 8 <= asked.at.hour < 18
        assert row.at - asked.at < timedelta(days=9)
