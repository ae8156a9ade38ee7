"""Proposals come through the CRM's door, and what is not understood is refused by name."""

from datetime import UTC, date, datetime

import pytest

from contracts.errors import Rejected, UserError
from ingest.sources.crm_csv import CrmCsvSource
from transforms.crm import decode_crm

HEARD_AT = datetime(2026, 11, 26, tzinfo=UTC)
HEADER = "Proposal ID,Name,Kind,Amount,Currency,Units,Starts on,Starts by,Is whole,Requires"


def proposals(folder, *lines, header=HEADER):
    (folder / "proposals.csv").write_text("\n".join([header, *lines]) + "\n")
    source = CrmCsvSource(folder)
    return [decode_crm(heard.payload, source.name, HEARD_AT) for heard in source.read("")]


def test_a_line_is_a_proposal_in_our_words_and_minor_units(tmp_path):
    (row,) = proposals(
        tmp_path, "P1,Two hires,Headcount,220000.50,EUR,2,2027-01-01,2027-04-01,true,"
    )
    assert (row.kind, row.amount_minor, row.currency) == ("headcount", 22_000_050, "EUR")
    assert (row.units, row.is_whole, row.starts_by) == (2.0, True, date(2027, 4, 1))
    assert (row.cap_units, row.floor_units, row.requires, row.ramp_months) == (None, 0.0, "", None)


def test_a_column_that_is_none_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match='"Capp units" = "cap_units"'):
        proposals(tmp_path, "P1,A,tool,1,USD,1,2027-01-01,,,,3", header=f"{HEADER},Capp units")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("P1,A,trainings,1,USD,1,2027-01-01,,,", "did you mean 'training'"),
        ("P1,A,tool,1,USD,-1,2027-01-01,,,", "units"),
        ("P1,A,tool,1.234,USD,1,2027-01-01,,,", "finer than"),
        ("P1,A,tool,1,USD,1,soon,,,", "starts_on"),
    ],
)
def test_a_line_that_cannot_be_kept_is_rejected_with_the_field(tmp_path, line, says):
    with pytest.raises(Rejected, match=says):
        proposals(tmp_path, line)
