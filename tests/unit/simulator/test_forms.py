"""A company on disk: what anybody may see, what is sealed, and that the platform can read it."""

import json
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from contracts.errors import UserError
from ingest.sources.crm_csv import CrmCsvSource
from simulator.follow import Order, follow
from simulator.write import FORMS, write_company
from tests.unit.simulator.companies import scenario_with
from transforms.crm import decode_crm

SCENARIO = scenario_with(
    {"kind": "training", "effect": 1.0, "starts": [3, 4]},
    {"kind": "spif", "effect": 0.3, "roll_out": "reversible", "starts": [4], "lasts_months": 1},
    people={"attrition_rate": 0.05},
    talk={"internal_per_month": 3.0, "bulk_per_month": 2.0},
)
ORDER = Order(SCENARIO, reps=8, months=6, seed=4)
LATENT_WORDS = {"skill", "engagement", "level", "fit", "strength", "without", "everyone", "deal"}


def quietly(done, of):
    """A progress that nobody watches."""


def digest_of(folder):
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for form in FORMS:
        made[form] = tmp_path_factory.mktemp(form)
        write_company(form, ORDER, made[form], quietly)
    return made


@pytest.fixture(scope="module")
def activities(folders):
    return folders["activities"]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_order_gives_the_same_bytes(folders, form, tmp_path):
    write_company(form, ORDER, tmp_path / "again", quietly)
    assert digest_of(tmp_path / "again") == digest_of(folders[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_that_holds_something_is_left_alone(folders, form):
    before = digest_of(folders[form])
    with pytest.raises(UserError, match="is not empty"):
        write_company(form, ORDER, folders[form], quietly)
    assert digest_of(folders[form]) == before


@pytest.mark.parametrize("wrong", [{"reps": 0}, {"months": 0}, {"seed": -1}])
def test_no_company_is_made_of_nothing(wrong):
    with pytest.raises(UserError, match="make no company"):
        Order(SCENARIO, **{"reps": 1, "months": 1, "seed": 1, **wrong})


def test_what_is_open_names_nothing_latent(folders):
    for folder in folders.values():
        for path in folder.glob("*.parquet"):
            assert not LATENT_WORDS & set(pd.read_parquet(path).columns), path
        assert "effect" not in (folder / "company.json").read_text()


def test_the_forms_are_one_company(folders):
    units = [pd.read_parquet(folder / "sealed" / "units.parquet") for folder in folders.values()]
    for other in units[1:]:
        assert units[0]["skill"].head(8).tolist() == other["skill"].head(8).tolist()


def test_every_activity_has_its_truth(activities):
    seen = pd.read_parquet(activities / "activities.parquet")
    truth = pd.read_parquet(activities / "sealed" / "activities.parquet")
    assert seen["activity_id"].is_unique
    assert set(seen["activity_id"]) < set(truth["activity_id"])  # internal mail is not kept
    unseen = truth[~truth["activity_id"].isin(seen["activity_id"])]
    assert set(unseen["kind"]) == {"internal"}
    by_deal = truth[truth["opportunity_id"] != ""]
    deals = pd.read_parquet(activities / "sealed" / "deals.parquet").set_index("opportunity_id")
    found = deals.loc[by_deal["opportunity_id"], "account_id"].tolist()
    assert by_deal["account_id"].tolist() == found


def test_an_answer_comes_from_the_other_side_and_later(activities):
    seen = pd.read_parquet(activities / "activities.parquet").set_index("activity_id")
    truth = pd.read_parquet(activities / "sealed" / "activities.parquet")
    answers = truth[(truth["answers"] >= 0) & truth["activity_id"].isin(seen.index)]
    assert len(answers) > 500
    this, before = seen.loc[answers["activity_id"]], seen.loc[answers["answers"]]
    assert (this["direction"].to_numpy() != before["direction"].to_numpy()).all()
    assert (this["event_time"].to_numpy() > before["event_time"].to_numpy()).all()
    assert (this["thread_id"].to_numpy() == before["thread_id"].to_numpy()).all()


def test_people_talk_about_a_deal_while_it_is_open(activities):
    seen = pd.read_parquet(activities / "activities.parquet").set_index("activity_id")
    truth = pd.read_parquet(activities / "sealed" / "activities.parquet")
    first = truth[(truth["opportunity_id"] != "") & (truth["answers"] < 0)]
    deals = pd.read_parquet(activities / "sealed" / "deals.parquet").set_index("opportunity_id")
    of = deals.loc[first["opportunity_id"]]
    at = seen.loc[first["activity_id"], "event_time"].dt.tz_localize(None).to_numpy()
    assert (at >= of["opened_at"].to_numpy()).all()
    ended = of["ended_at"].fillna(pd.Timestamp.max.floor("s")).to_numpy()
    evening = np.timedelta64(11, "h")  # the last mail of a day may be written after hours
    assert (at <= ended + evening).mean() == 1


def test_engaged_deals_talk_more(activities):
    truth = pd.read_parquet(activities / "sealed" / "activities.parquet")
    months = pd.read_parquet(activities / "sealed" / "deal_months.parquet")
    said = truth["engagement"].value_counts()
    lived = months["engagement"].value_counts()
    rate = (said / lived).sort_index()
    assert rate.is_monotonic_increasing
    assert rate.iloc[-1] > 3 * rate.iloc[0]


def test_the_platform_reads_every_record_of_the_crm(activities):
    received = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
    keys = set()
    for heard in CrmCsvSource(activities / "crm").read(""):
        row = decode_crm(heard.payload, "crm", received)
        key = getattr(row, f"{row.table.rpartition('.')[2]}_id", None)
        if key and row.table not in {"raw.investment_cost", "raw.exposure"}:
            assert (row.table, key, row.knowable_at) not in keys
            keys.add((row.table, key, row.knowable_at))
    assert {table for table, *_ in keys} == {
        "raw.account", "raw.contact", "raw.lead", "raw.opportunity", "raw.rep", "raw.investment",
    }  # fmt: skip


def test_the_crm_s_costs_by_kind_are_what_was_paid(activities):
    told = pd.read_csv(activities / "crm" / "investment_costs.csv")
    worked = told[told["cost_kind"] == "rep_hours"]
    assert len(worked)
    assert (worked["hours"] * worked["hourly_cost"] * 100 == worked["amount_minor"]).all()
    paid = json.loads((activities / "sealed" / "investments.json").read_text())
    assert told["amount_minor"].sum() == sum(each["cost"] for each in paid)


def test_the_crm_books_what_was_won_but_for_what_was_entered_too_late(activities):
    versions = pd.read_csv(activities / "crm" / "opportunities.csv")
    last = versions.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    deals = pd.read_parquet(activities / "sealed" / "deals.parquet").set_index("opportunity_id")
    closed = last[last["is_closed"]]
    truth = deals.loc[closed.index]
    assert (closed["amount"] == truth["amount"]).all()
    assert (closed["owner_rep_id"] == truth["owner_rep_id"]).all()
    assert (closed["is_won"] == (truth["outcome"] == "won")).all()
    assert (pd.to_datetime(closed["close_on"]) == truth["ended_at"].dt.normalize()).all()
    assert len(closed) > 0.9 * (deals["outcome"] != "open").sum()


def test_an_open_deal_of_the_crm_never_shows_how_it_will_end(activities):
    """Close dates are guesses: on the day of the guess, winners' and losers' are alike."""
    versions = pd.read_csv(activities / "crm" / "opportunities.csv", parse_dates=["close_on"])
    first = versions.drop_duplicates("opportunity_id").set_index("opportunity_id")
    deals = pd.read_parquet(activities / "sealed" / "deals.parquet").set_index("opportunity_id")
    guess = (first["close_on"] - deals["opened_at"].dt.normalize()).dt.days
    won, lost = (guess[deals["outcome"] == which] for which in ("won", "lost"))
    error = np.sqrt(won.var() / len(won) + lost.var() / len(lost))
    assert abs(won.mean() - lost.mean()) < 3.5 * error


def test_the_crm_is_as_dirty_as_the_scenario_says(activities):
    company = follow(ORDER)
    contacts = pd.read_csv(activities / "crm" / "contacts.csv")
    missing = 1 - len(contacts) / len(company.who.contact_name)
    assert missing == pytest.approx(SCENARIO.dirt.contact_missing, abs=0.03)
    accounts = pd.read_csv(activities / "crm" / "accounts.csv")
    twins = accounts[accounts["account_id"].str.startswith("DUP")]
    assert 0 < twins["account_id"].nunique() < 0.1 * 200
    assert (twins["domains"].str.lower() != twins["domains"]).all()
    opened = pd.read_csv(activities / "crm" / "opportunities.csv").drop_duplicates("opportunity_id")
    assert 0 < opened["account_id"].isna().mean() < 0.05


def test_the_command_ends_with_its_rows_seconds_and_memory(tmp_path, monkeypatch):
    import cli.commands  # noqa: F401 registers the commands
    from cli import app

    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[investments]]\nkind = "tool"\neffect = 0.1\nstarts = [3]\n')
    out = tmp_path / "out"
    asked = ["simulate", "--form", "panel", "--reps", "10", "--years", "0.5", "--seed", "3"]
    done = CliRunner().invoke(app, [*asked, "--scenario", str(scenario), "--out", str(out)])
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rows"] == 60 == len(pd.read_parquet(out / "panel.parquet"))
    assert set(told) == {"rows", "seconds", "peak_mb"}
    assert "month 6 of 6" in done.stderr
