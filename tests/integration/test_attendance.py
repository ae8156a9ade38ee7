"""A learning system's attendance, from its file to the exposures of reps."""

from datetime import UTC, date, datetime

import pytest

from contracts.company import Company
from contracts.crm_rows import InvestmentRow, RepRow
from contracts.errors import Rejected
from contracts.wire import Event
from ingest.learners import Learners
from ingest.sources.attendance import AttendanceSource
from orchestration.dbt import Dbt
from settings import Settings
from transforms.rows import to_rows

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
TOLD = {"source": "crm", "knowable_at": NOW}
EXPORT = """User Email,Course,Completed,Hours
KIM@us.example,Negotiation,2026-03-04,6
kim@us.example,Negotiation II,2026-04-01,6
jo@us.example,Negotiation,2026-05-05 10:30,4
stranger@us.example,Negotiation,2026-05-06,4
"""


def heard(path):
    path.write_text(EXPORT)
    for item in AttendanceSource(path, "I-1").read(""):
        yield Event(
            kind="crm",
            source="attendance:lms",
            external_id=item.external_id,
            observer=item.observer,
            ingest_run="run",
            received_at=NOW,
            payload=item.payload,
        )


def rep(rep_id, email):
    return RepRow(rep_id=rep_id, name=rep_id, email=email, **TOLD)


def test_learners_become_exposures_and_strangers_wait_until_the_crm_knows_them(
    tmp_path, writer, reader, dbt_home, warehouse_url
):
    investment = InvestmentRow(
        investment_id="I-1", kind="training", name="N", gross_margin_rate=0.7, **TOLD
    )
    writer.write([investment, rep("R-1", "kim@us.example"), rep("R-2", "Jo@us.example")])
    learners = Learners(reader, lambda event: to_rows(event, Company()))
    events = list(heard(tmp_path / "lms.csv"))
    writer.write([row for event in events[:3] for row in learners.to_rows(event)])
    with pytest.raises(Rejected, match="stranger@us") as rejected:
        learners.to_rows(events[3])
    assert rejected.value.reason == "unknown_learner"
    learners.to_rows(come := _rep_event())
    writer.write([*to_rows(come, Company()), *learners.to_rows(events[3])])
    Dbt(Settings(home=dbt_home, warehouse_url=warehouse_url)).build(["+stg_exposure"])
    exposures = reader.frame(
        "SELECT unit_kind, unit_id, starts_on, dose FROM staging.stg_exposure ORDER BY unit_id"
    )
    assert exposures[["unit_id", "starts_on"]].to_numpy().tolist() == [
        ["R-1", date(2026, 3, 4)],
        ["R-2", date(2026, 5, 5)],
        ["R-3", date(2026, 5, 6)],
    ]
    assert exposures["dose"].tolist() == pytest.approx([1.8, 0.6, 0.6])  # 12, 4, 4 hours


def test_a_course_of_no_investment_waits_as_well(tmp_path, writer, reader):
    writer.write([rep("R-1", "kim@us.example")])
    learners = Learners(reader, lambda event: to_rows(event, Company()))
    with pytest.raises(Rejected, match="no investment that is registered") as rejected:
        learners.to_rows(next(heard(tmp_path / "lms.csv")))
    assert rejected.value.reason == "unknown_investment"


def _rep_event():
    payload = (
        b'{"entity": "rep", "record": '
        b'{"rep_id": "R-3", "name": "S", "email": "stranger@us.example"}}'
    )
    return Event(
        kind="crm",
        source="crm",
        external_id="rep-3",
        observer="reps.csv",
        ingest_run="run",
        received_at=NOW,
        payload=payload,
    )
