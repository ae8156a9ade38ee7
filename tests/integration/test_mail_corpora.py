"""Real and hostile mail from the public corpora: every file is an activity or rejected."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.company import Company
from contracts.errors import Rejected
from tests.services import need
from transforms.mail import decode_mail

pytestmark = pytest.mark.data

HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DATA = Path(os.environ.get("HEADWATER_DATA") or Path(__file__).parents[2] / "../shared/data")


@pytest.mark.parametrize(
    ("folder", "own_domain", "least_share"),
    [
        ("enron_raw", "enron.com", 0.99),
        ("spamassassin_raw", "spamassassin.example", 0.99),
        ("mail_nasty", "nasty.example", 0.3),
    ],
)
def test_every_mail_of_a_corpus_is_an_activity_or_rejected(folder, own_domain, least_share):
    need((DATA / folder).is_dir(), f"{DATA / folder} is absent: set HEADWATER_DATA")
    files = [path for path in sorted((DATA / folder).rglob("*")) if path.is_file()]
    company = Company(own_domains=(own_domain,))
    fates = Counter(_fate(path, company) for path in files)
    assert fates["activity"] >= least_share * len(files), fates


def _fate(path: Path, company: Company) -> str:
    try:
        activity = decode_mail(path.read_bytes(), HEARD_AT, company)
    except Rejected as rejected:
        return rejected.reason
    for text in (activity.subject, activity.body, activity.thread_id):
        text.encode()
    return "activity"
