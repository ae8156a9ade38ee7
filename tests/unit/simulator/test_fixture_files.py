"""What is written can be read by anybody, is dated before now, and names nobody real."""

import csv
import json
import mailbox
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256
from time import process_time

import pytest

from contracts.rows import CRM_ENTITIES
from settings import load
from simulator.fixture import write_company
from simulator.fixture.calendar_months import MONTHS, last_reorganisation, month_start
from transforms.phones import e164

FREE_MAIL = {"gmail.com", "yahoo.com", "outlook.com", "orange.fr"}
PLURAL = {"opportunity": "opportunities", "currency_rate": "currency_rates"}

pytestmark = pytest.mark.xdist_group("fixture_company")  # so that it is written once


def digest_of(folder):
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def maildir_files(folder):
    return sorted((folder / "mail").glob("*/cur/*"))


def all_mails(folder):
    yield from (message_from_bytes(path.read_bytes()) for path in maildir_files(folder))
    yield from mailbox.mbox(folder / "mail" / "shared-sales.mbox", create=False)
    for path in sorted((folder / "mail" / "export").iterdir()):
        yield message_from_bytes(path.read_bytes())


@pytest.fixture(scope="module")
def mails(written):
    return list(all_mails(written.folder))


def table(folder, name):
    with (folder / "crm" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_and_moment_give_the_same_bytes(written, tmp_path):
    write_company(tmp_path / "again", written.now)
    assert digest_of(tmp_path / "again") == digest_of(written.folder)


def test_a_company_of_another_seed_and_of_new_years_midnight_lies_in_its_past(tmp_path):
    now = datetime(2027, 1, 1, tzinfo=UTC)
    began = process_time()
    write_company(tmp_path, now, seed=11)
    assert process_time() - began < 10
    assert_nothing_is_dated_after(tmp_path, now, all_mails(tmp_path))


@pytest.mark.parametrize(
    ("now", "first", "newest", "reorganised"),
    [
        (datetime(2026, 7, 15, tzinfo=UTC), "2024-01-01", "2026-07-01", "2026-02-01"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2024-07-01", "2027-01-01", "2026-02-01"),
        (datetime(2028, 2, 29, tzinfo=UTC), "2025-08-01", "2028-02-01", "2027-02-01"),
        (datetime(2026, 4, 1, tzinfo=UTC), "2023-10-01", "2026-04-01", "2026-02-01"),
    ],
)
def test_thirty_full_months_come_before_the_month_of_now(now, first, newest, reorganised):
    assert month_start(now, 0).isoformat() == first
    assert month_start(now, MONTHS).isoformat() == newest
    assert last_reorganisation(now, 2).isoformat() == reorganised


def test_nothing_is_dated_after_now(written, mails):
    assert_nothing_is_dated_after(written.folder, written.now, mails)


def assert_nothing_is_dated_after(folder, now, mails):
    stated = [mail["Date"] for mail in mails if mail["Date"]]
    moments = [parsedate_to_datetime(date) for date in stated]
    assert now - timedelta(days=92) < min(moments) < now - timedelta(days=80)
    assert max(moments) <= now
    for line in (folder / "calls.jsonl").read_text().splitlines():
        assert datetime.fromisoformat(json.loads(line)["started_at"]) <= now
    for file in (folder / "crm").iterdir():
        changed = {datetime.fromisoformat(row["changed_at"]) for row in table(folder, file.stem)}
        assert max(changed) <= now or file.stem == "quotas"


def test_a_folder_that_holds_a_company_is_not_written_over(written):
    with pytest.raises(FileExistsError):
        write_company(written.folder, written.now)


def test_the_standard_library_reads_every_mailbox(written):
    counts = written.manifest.mail
    users = [path for path in (written.folder / "mail").iterdir() if (path / "cur").is_dir()]
    read = sum(len(mailbox.Maildir(user, create=False)) for user in users)
    assert (len(users), read) == (13, counts["maildir_sightings"] + counts["dead_letters"])
    shared = mailbox.mbox(written.folder / "mail" / "shared-sales.mbox", create=False)
    assert len(shared) == counts["shared_mailbox_sightings"]


def test_the_mbox_quotes_a_sentence_that_begins_with_from(written):
    content = (written.folder / "mail" / "shared-sales.mbox").read_bytes()
    assert b"\n>From next year on" in content


def test_mail_comes_in_every_kind_that_the_platform_must_read(mails):
    types = Counter(mail.get_content_type() for mail in mails)
    assert {"text/plain", "text/html", "multipart/alternative", "multipart/mixed"} <= set(types)
    bodies = [part.get_payload(decode=True) or b"" for mail in mails for part in mail.walk()]
    text = b"\n".join(bodies).decode("utf-8", "replace")
    for way in ("wrote:", "schrieb", "a écrit :", "escribió:", "Gesendet: ", "Sent: "):
        assert way in text
    charsets = {part.get_content_charset() for mail in mails for part in mail.walk()}
    assert {"utf-8", "iso-8859-1"} <= charsets


def test_an_answer_refers_to_mails_that_were_sent_before(mails):
    sent = {}
    for mail in mails:
        if mail["Date"] and mail["Message-ID"]:
            sent[mail["Message-ID"]] = parsedate_to_datetime(mail["Date"])
    lost = 0
    for mail in mails:
        references = (mail["References"] or "").split()
        assert references[-1:] == [mail["In-Reply-To"]] * bool(references)
        known = [sent[each] for each in references if each in sent]
        lost += len(references) - len(known)
        assert known == sorted(known)
        if known and mail["Date"]:
            assert known[-1] <= parsedate_to_datetime(mail["Date"])
    assert lost == 0


def test_no_address_is_anybodys(written, mails):
    for mail in mails:
        headers = mail.get_all("From", []) + mail.get_all("To", []) + mail.get_all("Cc", [])
        for _, address in getaddresses(list(map(str, headers))):
            domain = address.rpartition("@")[2]
            assert domain.endswith(".example") or domain in FREE_MAIL, address
    everything = (written.folder / "calls.jsonl").read_text()
    everything += (written.folder / "crm" / "contacts.csv").read_text()
    for domain in re.findall(r"[\w.+-]+@([\w.-]+)", everything):
        assert domain.lower().endswith(".example") or domain in FREE_MAIL


def test_every_phone_number_is_possible_and_one_persons(written):
    owners = Counter(
        (e164(phone, "US"), row["contact_id"])
        for row in table(written.folder, "contacts")
        for phone in row["phones"].split(";")
        if phone and row["contact_id"] != "CON-0201"
    )
    numbers = Counter(number for number, _ in owners)
    assert "" not in numbers
    assert numbers.most_common(1)[0][1] == 1


@pytest.mark.parametrize("entity", sorted(CRM_ENTITIES.keys() - {"attendance"}))
def test_every_column_is_a_field_of_its_row(written, entity):
    rows = table(written.folder, PLURAL.get(entity, f"{entity}s"))
    fields = {*CRM_ENTITIES[entity].__struct_fields__, "changed_at", "amount"}
    assert rows
    assert set(rows[0]) <= fields - {"source", "knowable_at"}


def test_an_opportunitys_newest_version_agrees_with_its_newest_stage(written):
    versions = {row["opportunity_id"]: row for row in table(written.folder, "opportunities")}
    stages = {row["opportunity_id"]: row for row in table(written.folder, "stage_changes")}
    assert versions.keys() == stages.keys()
    for name, version in versions.items():
        assert version["stage"] == stages[name]["to_stage"] or version["is_closed"] == "false"
        assert version["created_on"] <= version["close_on"] or version["is_closed"] == "false"


def test_the_settings_name_the_company(written, monkeypatch):
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    company = load(written.folder).company
    assert company.own_domains == ("brightwater.example", "brightwater-software.example")
    assert (company.fiscal_first_month, company.base_currency) == (2, "USD")
