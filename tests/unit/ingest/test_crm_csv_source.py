"""CRM exports as they are found: foreign columns, separators and encodings."""

import json

import pytest

from contracts.entities import CRM_ENTITIES
from contracts.errors import UserError
from ingest.sources.crm_csv import FILES, CrmCsvSource


def records(folder, **files):
    for name, content in files.items():
        path = folder / (f"{name}.csv" if name != "columns" else "columns.toml")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [json.loads(item.payload) for item in CrmCsvSource(folder).read("")]


def test_there_is_a_file_for_every_entity():
    assert set(FILES) == set(CRM_ENTITIES)


def test_columns_are_known_in_any_case_and_spacing(tmp_path):
    (account,) = records(tmp_path, accounts="Account ID, NAME ,account-type\na1,Acme,customer\n")
    assert account == {
        "entity": "account",
        "record": {"account_id": "a1", "name": "Acme", "account_type": "customer"},
    }


@pytest.mark.parametrize(
    "content",
    [
        "account_id,name\na1,Zürich\n".encode("utf-8-sig"),
        "account_id;name\r\na1;Zürich\r\n".encode("cp1252"),
        "account_id\tname\na1\tZürich\n".encode("utf-16"),
        'account_id,name\n"a1","Zürich"\n'.encode(),
    ],
)
def test_separators_and_encodings_of_spreadsheets_are_read(tmp_path, content):
    (account,) = records(tmp_path, accounts=content)
    assert account["record"] == {"account_id": "a1", "name": "Zürich"}


def test_an_unknown_column_stops_everything_and_says_what_to_do(tmp_path):
    (tmp_path / "contacts.csv").write_text("contact_id,account_id\nc1,a1\n")
    (tmp_path / "opportunities.csv").write_text(
        "Opportunity ID,Stage,Created on,Amout\no1,Won,2026-01-01,5\n"
    )
    source = CrmCsvSource(tmp_path).read("")
    with pytest.raises(UserError) as error:
        next(source)
    for told in ("opportunities.csv", "columns.toml", '[opportunities]\n"Amout" = "amount"\n'):
        assert told in str(error.value)


def test_foreign_columns_are_renamed_or_left_out(tmp_path):
    (account,) = records(
        tmp_path,
        accounts="Id,Account Name,Fax\na1,Acme,123\n",
        columns='[accounts]\n"ID" = "account_id"\n"Account Name" = "name"\n"Fax" = ""\n',
    )
    assert account["record"] == {"account_id": "a1", "name": "Acme"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"accounts": "name\nAcme\n"}, "needs a column 'account_id'"),
        ({"accounts": "account_id,name,Name\n"}, "two columns are 'name'"),
        ({"accounts": ""}, "needs a column 'account_id'"),
        (
            {"investment_costs": "investment_id,month_on,cost_kind,hours\n"},
            "needs a column 'amount' or 'hourly_cost' with 'hours'",
        ),
        ({"accounts": "account_id,name\n", "columns": "[accounts\n"}, "columns.toml"),
        ({"accounts": "account_id,name\n", "columns": "accounts = 3\n"}, "columns.toml"),
        ({"campaigns": "id\n1\n"}, "holds none of accounts.csv"),
    ],
)
def test_an_export_that_cannot_be_read_says_why(tmp_path, files, told):
    with pytest.raises(UserError, match=told):
        records(tmp_path, **files)


def test_all_columns_that_are_no_fields_are_told_at_once(tmp_path):
    with pytest.raises(UserError) as refused:
        records(tmp_path, accounts="account_id,name,Web,Ownr Rep\n", reps="rep_id,nme\n")
    told = str(refused.value)
    assert '[accounts]\n"Web" = ""  # left out\n"Ownr Rep" = "owner_rep_id"\n' in told
    assert '[reps]\n"nme" = "name"\n' in told


def test_an_amount_stands_for_its_minor_units(tmp_path):
    content = "owner_id,period_starts_on,period_ends_on,amount\nr1,2026-01-01,2026-04-01,5\n"
    assert len(records(tmp_path, quotas=content)) == 1


def test_equal_rows_are_counted_and_surplus_values_are_kept_for_the_dead_letter(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,name\na1,A\na1,A\n\na2,B,surplus\n")
    items = list(CrmCsvSource(tmp_path).read(""))
    assert len({item.external_id for item in items}) == 3
    assert json.loads(items[2].payload)["record"]["column 3"] == "surplus"
