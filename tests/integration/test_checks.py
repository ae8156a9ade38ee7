"""Each check passes on what is sound and fails on what it is there to find."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from contracts.capture_rows import ProviderCountRow, SourceStateRow, WithdrawalRow
from contracts.clock import ManualClock, SystemClock
from contracts.crm_rows import AccountRow, InvestmentRow
from contracts.rows import ActivityRow, CrmWriteRow, EngagementScoreRow, SightingRow
from orchestration.dbt import Dbt
from orchestration.defs.capture import (
    every_sighting_has_its_outcome,
    no_mail_is_missing,
    something_was_heard_lately,
)
from orchestration.defs.engagement import (
    batch_score_is_the_live_score,
    engagement_score,
    reasons_sum_to_the_score,
)
from orchestration.defs.investments import every_investment_has_a_judgement
from orchestration.defs.write_back import the_crm_took_every_field
from settings import Settings
from tests.seeded_company import accounts, activities
from warehouse.connection import connect

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
SOON = timedelta(minutes=30)
"""More than any test takes: what it stores is stored before then."""


@pytest.fixture
def now():
    return SystemClock().now()


@pytest.fixture
def scored(writer, reader, now):
    """The seeded company, scored once all of it was stored, and the rows."""
    writer.write([*accounts(now), *activities(now)])
    engagement_score(reader=reader, writer=writer, clock=ManualClock(now + SOON))
    return reader.rows(EngagementScoreRow, "SELECT * FROM ml.engagement_score FINAL")


def test_reasons_that_do_not_sum_to_the_score_are_found(scored, reader, writer):
    assert reasons_sum_to_the_score(reader=reader).passed
    writer.write([replace(scored[0], score=scored[0].score + 1e-6)])
    found = reasons_sum_to_the_score(reader=reader)
    assert not found.passed
    assert found.metadata["wrong"].value == [scored[0].account_id]


def test_a_kept_score_that_is_not_the_live_one_is_found(scored, reader, writer):
    assert batch_score_is_the_live_score(reader=reader).passed
    points = (scored[0].points[0] + 1e-6, *scored[0].points[1:])
    writer.write([replace(scored[0], points=points, score=sum(points))])
    assert not batch_score_is_the_live_score(reader=reader).passed


def test_a_score_that_was_not_kept_is_found(scored, reader, warehouse_url):
    client = connect(warehouse_url)
    client.execute("DELETE FROM ml.engagement_score WHERE account_id = 'A-01'")
    client.disconnect()
    assert not batch_score_is_the_live_score(reader=reader).passed


@pytest.fixture
def store_later(warehouse_url, now):
    """Store rows of a table once more, as if they had come after the score."""
    client = connect(warehouse_url)

    def again(table, where):
        client.execute(
            f"INSERT INTO {table} SELECT * REPLACE (toDateTime64(%(at)s, 6, 'UTC') AS ingested_at) "
            f"FROM {table} WHERE {where}",
            {"at": f"{now + 2 * SOON:%Y-%m-%d %H:%M:%S}"},
        )

    yield again
    client.disconnect()


def test_what_was_heard_after_the_score_is_not_held_against_it(
    scored, reader, writer, now, store_later
):
    compared = batch_score_is_the_live_score(reader=reader).metadata["compared"].value
    rows = iter(activities(now))
    heard, matched = replace(next(rows), activity_id=uuid4()), next(rows)
    writer.write([heard, replace(matched, activity_id=heard.activity_id)])
    assert not batch_score_is_the_live_score(reader=reader).passed
    store_later("raw.activity", f"activity_id = '{heard.activity_id}'")
    found = batch_score_is_the_live_score(reader=reader)
    assert found.passed
    assert found.metadata["compared"].value == compared - 1


def test_an_account_deleted_after_the_score_is_not_held_against_it(
    scored, reader, writer, now, store_later
):
    gone = next(row for row in accounts(now) if isinstance(row, AccountRow))
    writer.write([replace(gone, is_deleted=True, knowable_at=now)])
    assert not batch_score_is_the_live_score(reader=reader).passed
    store_later("raw.account", f"account_id = '{gone.account_id}'")
    assert batch_score_is_the_live_score(reader=reader).passed


def test_a_company_without_accounts_has_no_score_to_keep(reader, writer):
    assert batch_score_is_the_live_score(reader=reader).passed
    writer.write([*accounts(NOW)])
    assert not batch_score_is_the_live_score(reader=reader).passed


def test_silence_for_a_day_is_a_warning(reader, writer, now):
    assert not something_was_heard_lately(reader=reader, clock=ManualClock(now)).passed
    writer.write([*activities(now)])
    assert something_was_heard_lately(reader=reader, clock=ManualClock(now)).passed
    tomorrow = ManualClock(now + timedelta(hours=25))
    assert not something_was_heard_lately(reader=reader, clock=tomorrow).passed


def sighting(activity_id: UUID, now: datetime) -> SightingRow:
    return SightingRow(
        source="eml",
        external_id=str(activity_id),
        ingest_run="run",
        kind="mail",
        observer="",
        disposition="activity",
        reason="",
        activity_id=activity_id,
        event_time=now,
        received_at=now,
    )


def test_a_sighting_without_its_activity_is_found_once_it_has_settled(reader, writer, now):
    heard = list(activities(now))
    seen = [sighting(row.activity_id, now) for row in heard if isinstance(row, ActivityRow)]
    writer.write([*heard, *seen])
    soon = ManualClock(now + SOON)
    assert every_sighting_has_its_outcome(reader=reader, clock=soon).passed
    writer.write([sighting(uuid4(), now)])
    assert every_sighting_has_its_outcome(reader=reader, clock=ManualClock(now)).passed
    found = every_sighting_has_its_outcome(reader=reader, clock=soon)
    assert not found.passed
    assert found.metadata["without_activity"].value == 1


def test_an_activity_without_a_match_is_found(reader, writer, now):
    writer.write([row for row in activities(now) if isinstance(row, ActivityRow)][:1])
    found = every_sighting_has_its_outcome(reader=reader, clock=ManualClock(now + SOON))
    assert not found.passed
    assert found.metadata["without_match"].value == 1


def test_an_investment_without_a_judgement_is_found(reader, writer, dbt_home, warehouse_url):
    dbt = Dbt(Settings(home=dbt_home, warehouse_url=warehouse_url))
    dbt.build(["stg_investment"])
    assert every_investment_has_a_judgement(reader=reader).passed
    writer.write(
        [
            InvestmentRow(
                investment_id="I-1",
                kind="tool",
                name="Dialer",
                gross_margin_rate=0.5,
                source="crm",
                knowable_at=NOW,
            )
        ]
    )
    found = every_investment_has_a_judgement(reader=reader)
    assert not found.passed
    assert found.metadata["wrong"].value == ["I-1"]


def test_a_field_that_the_crm_refused_is_found_until_a_run_goes_well(reader, writer):
    row = CrmWriteRow(
        write_id=uuid4(),
        run_id=uuid4(),
        target="csv",
        object_type="account",
        object_id="A-01",
        field="headwater_engagement_score",
        old_value="",
        new_value="7",
        rule="own_field",
        outcome="failed",
        detail="no such record",
        written_at=NOW,
    )
    assert the_crm_took_every_field(reader=reader).passed
    writer.write([row])
    assert not the_crm_took_every_field(reader=reader).passed
    well = {"write_id": uuid4(), "run_id": uuid4(), "outcome": "written"}
    writer.write([replace(row, written_at=NOW + SOON, **well)])
    assert the_crm_took_every_field(reader=reader).passed


def test_mail_that_a_healthy_mailbox_holds_and_we_lack_is_found(reader, writer):
    state = SourceStateRow(
        source="imap:h/kim", state="reading", detail="", read_at=NOW, checked_at=NOW
    )
    count = ProviderCountRow(
        source="imap:h/kim", observer="kim", held_on=NOW.date(), held=2, counted_until=NOW
    )
    seen = [copy(held_at=NOW - timedelta(hours=hours)) for hours in (1, 2)]
    writer.write([state, count, *seen])
    assert no_mail_is_missing(reader=reader).passed
    writer.write([WithdrawalRow(
        source="imap:h/kim", external_id=seen[0].external_id, observer="kim", noticed_at=NOW,
    )])  # fmt: skip
    found = no_mail_is_missing(reader=reader)
    assert not found.passed
    assert found.metadata["kim (imap:h/kim)"].value == "1 missing, of 2026-11-15"
    writer.write([replace(state, state="waiting", checked_at=NOW + SOON)])
    assert no_mail_is_missing(reader=reader).passed


def test_what_is_deleted_after_it_was_counted_is_not_missing_and_what_comes_back_is_held(
    reader, writer
):
    count = ProviderCountRow(
        source="imap:h/kim", observer="kim", held_on=NOW.date(), held=1, counted_until=NOW
    )
    seen = copy(held_at=NOW - timedelta(hours=1))
    gone = WithdrawalRow(
        source="imap:h/kim", external_id=seen.external_id, observer="kim", noticed_at=NOW + SOON
    )
    writer.write([count, seen, gone])
    assert no_mail_is_missing(reader=reader).passed
    writer.write([replace(count, counted_until=NOW + 2 * SOON)])
    assert not no_mail_is_missing(reader=reader).passed
    writer.write([replace(seen, ingest_run="later", received_at=NOW + 2 * SOON)])
    assert no_mail_is_missing(reader=reader).passed


def test_what_came_after_the_count_stands_for_nothing_before_it(reader, writer):
    count = ProviderCountRow(
        source="imap:h/kim", observer="kim", held_on=NOW.date(), held=1, counted_until=NOW
    )
    writer.write([count, copy(held_at=NOW + SOON)])
    assert not no_mail_is_missing(reader=reader).passed
    writer.write([copy(held_at=NOW - SOON)])
    assert no_mail_is_missing(reader=reader).passed


def copy(held_at):
    return SightingRow(
        source="imap:h/kim",
        external_id=str(uuid4()),
        ingest_run="r",
        kind="mail",
        observer="kim",
        disposition="excluded",
        reason="internal",
        activity_id=UUID(int=0),
        event_time=NOW,
        received_at=NOW,
        held_at=held_at,
    )
