"""What the CRM should say of an account's engagement."""

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from activation.writeback import Desired
from transforms.domains import company_domain

OBJECT_TYPE: Final = "account"
SCORE: Final = "headwater_engagement_score"
REASONS: Final = "headwater_engagement_reasons"
AS_OF: Final = "headwater_engagement_as_of"
WEBSITE: Final = "website"
_REASONS_SHOWN: Final = 3


def desired(accounts: pd.DataFrame, fillable: Iterable[str] = ()) -> Desired:
    """Return the values that the accounts should have.

    The score is rounded to a whole number and the reasons to a decimal place, so that the CRM is
    not written for changes that nobody would act on; the date is that of the score, to the day.

    Args:
        accounts: of `marts.account_engagement`: account_id, score, label, points, as_of, domains.
        fillable: fields of people that the CRM lets us fill while they are empty; of these we know
            the website, from the account's first domain that names a company.
    """
    columns = accounts.to_dict("records")
    return {str(row["account_id"]): _values(row, set(fillable)) for row in columns}


def _values(row: dict[Any, Any], fillable: set[str]) -> dict[str, str]:
    reasons = list(zip(row["label"], row["points"], strict=True))[:_REASONS_SHOWN]
    values = {
        SCORE: f"{row['score']:.0f}",
        REASONS: "; ".join(f"{label} {points:.1f}" for label, points in reasons),
        AS_OF: f"{row['as_of']:%Y-%m-%d}",
    }
    domains = filter(None, map(company_domain, row["domains"]))
    if WEBSITE in fillable and (domain := next(domains, "")):
        values[WEBSITE] = f"https://{domain}"
    return values
