"""What the CRM should say of an account, from the engagement mart's rows."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from activation.engagement import desired


def _account(**known: Any) -> pd.DataFrame:
    row = {
        "account_id": "A-1",
        "score": 42.4,
        "label": ["replies", "calls", "breadth", "mails sent"],
        "points": [20.04, 12.0, 9.0, 1.36],
        "as_of": datetime(2026, 11, 23, 23, 59, tzinfo=UTC),
        "domains": ["acme.example.com"],
    }
    return pd.DataFrame([row | known])


def test_a_score_is_told_whole_with_its_three_greatest_reasons_and_its_day():
    assert desired(_account()) == {
        "A-1": {
            "headwater_engagement_score": "42",
            "headwater_engagement_reasons": "replies 20.0; calls 12.0; breadth 9.0",
            "headwater_engagement_as_of": "2026-11-23",
        }
    }


def test_an_account_that_nobody_wrote_to_has_a_score_of_nought_and_no_reasons():
    values = desired(_account(score=0.0, label=[], points=[]))["A-1"]
    assert values["headwater_engagement_score"] == "0"
    assert values["headwater_engagement_reasons"] == ""


@pytest.mark.parametrize(
    ("domains", "website"),
    [
        (["Acme.com"], "https://acme.com"),
        (["https://www.acme.com/about", "acme.de"], "https://acme.com"),
        (["gmail.com", "acme.de"], "https://acme.de"),
        (["gmail.com"], None),
        (["co.uk", "localhost", ""], None),
        ([], None),
    ],
)
def test_a_website_is_of_the_first_domain_that_names_a_company(domains, website):
    assert desired(_account(domains=domains), {"website"})["A-1"].get("website") == website


def test_a_website_is_not_told_to_a_crm_that_has_no_such_field():
    assert "website" not in desired(_account(), {"phone"})["A-1"]
