"""What a person decides, through the commands and the worker's door, as it stands in the rows."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from cli import commands
from contracts.clock import SystemClock
from contracts.command import CommandKind
from contracts.company import Company
from contracts.crm_rows import AccountRow, OpportunityRow
from contracts.errors import HeadwaterError, Retryable, UserError
from contracts.plan_rules import rules_text
from contracts.rows import ActivityRow, MatchRow
from dashboard.acts import Act, outcome, send, signed
from ingest.agents import told
from ingest.directory import read_directory
from ingest.matching import decide
from local.ports import free_port
from settings import Settings, secret
from tests.waiting import wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CRM = {"source": "csv", "knowable_at": NOW - timedelta(days=100)}
ASKED, ANSWER, STRANGE, NEW = (UUID(int=number) for number in range(1, 5))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A company that two accounts' people write to, matched; and a worker that hears commands."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    with serving(home) as (served, _):
        url = url_of(served)
        migrate(url)
        fill(url)
        settings = Settings(
            home=home,
            warehouse_url=url,
            worker_port=port,
            command_token=secret(home, "command_token"),
        )
        with working(home, url, port):
            yield settings


def fill(url):
    accounts = [
        AccountRow(account_id=one, name=one.title(), domains=("shared.example",), **CRM)
        for one in ("north", "south")
    ]
    deal = OpportunityRow(
        opportunity_id="d-south", account_id="south", name="South's deal", stage="open",
        created_on=date(2026, 10, 1), **CRM,
    )  # fmt: skip
    heard = [
        mail(ASKED, "jo@shared.example", 1, "t"),
        mail(ANSWER, "jo@shared.example", 2, "t"),
        mail(STRANGE, "who@else.example", 3, "u"),
        mail(NEW, "pat@shared.example", 4, "v"),
    ]
    with_reader, writer = Reader(url), Writer(url)
    writer.write([*accounts, deal, *heard])
    directory = read_directory(with_reader, Company())
    writer.write(decide(with_reader, directory, [told(row) for row in heard], NOW).rows)
    writer.close()
    with_reader.close()


def mail(activity_id, sender, hours, thread):
    return ActivityRow(
        activity_id=activity_id, channel="email", direction="inbound",
        event_time=NOW - timedelta(days=1) + timedelta(hours=hours), time_quality="stated",
        knowable_at=NOW, received_at=NOW, source="x", message_id=f"m{hours}@x.example",
        thread_id=thread, subject="About it", body="", duration_seconds=0, is_automatic=False,
        participant_address=(sender, "kim@our.example"), participant_name=("", "Kim"),
        participant_role=("from", "to"), participant_is_ours=(False, True),
    )  # fmt: skip


@pytest.fixture
def run(stack):
    """Run `headwater`, as a person does; return what it says, and the error that it ends with."""
    env = {
        "HEADWATER_HOME": str(stack.home),
        "HEADWATER_WAREHOUSE_URL": stack.warehouse_url.get_secret_value(),
        "HEADWATER_WORKER_PORT": str(stack.worker_port),
    }

    def command(*words):
        ended = CliRunner().invoke(commands.app, words, env=env)
        assert isinstance(ended.exception, HeadwaterError | None), ended.exception
        return ended.output, str(ended.exception or "")

    return command


def current(stack, activity_id):
    reader = Reader(stack.warehouse_url)
    sql = "SELECT * FROM live.match WHERE activity_id = %(id)s"
    (row,) = reader.rows(MatchRow, sql, {"id": activity_id})
    reader.close()
    return row


def test_a_match_is_explained_chosen_and_inherited_by_its_reply(stack, run):
    told_first, _ = run("match", "explain", str(ASKED))
    assert "account South: jo@shared.example is at shared.example" in told_first
    assert "of 2 accounts, it has an open deal" in told_first
    said, _ = run(
        "match",
        "choose",
        "<M1@x.example>",
        "--opportunity",
        "d-south",
        "--as",
        "lena",
        "--reason",
        "hers",
    )
    assert said == "the activity belongs to d-south, and 1 of its thread are decided again\n"
    chosen, reply = current(stack, ASKED), current(stack, ANSWER)
    assert (chosen.account_id, chosen.opportunity_id) == ("south", "d-south")
    assert (chosen.decided_by, chosen.reason) == ("lena", "hers")
    assert (reply.account_id, reply.opportunity_id, reply.rule) == ("south", "d-south", "thread")
    said, _ = run("match", "explain", str(ASKED), "--json")
    found = json.loads(said)
    assert [one["decided_by"] for one in found["decisions"]][:2] == ["lena", "rule"]
    assert {one["candidate_id"] for one in found["candidates"]} >= {"north", "south"}
    assert {"rule", "margin", "rule_version", "rules", "crm_version"} <= set(found["decisions"][0])


def test_what_is_not_there_is_told_and_changes_nothing(stack, run):
    before = current(stack, STRANGE)
    for words, says in (
        (("match", "explain", "nothing"), "there is no activity 'nothing'"),
        (("match", "choose", str(UUID(int=9)), "--account", "north"), "there is no activity"),
        (("match", "choose", str(STRANGE), "--account", "west"), "the CRM has no account 'west'"),
        (("match", "choose", str(STRANGE), "--opportunity", "d-9"), "d-9"),
        (("match", "choose", str(STRANGE)), "say either --account ID or --opportunity ID"),
        (("proposals", "dismiss", "nobody@shared.example"), "took part in nothing"),
        (("proposals", "accept", "not an address"), "is not an address as proposed"),
    ):
        said, error = run(*words)
        assert (said, says in error) == ("", True), (words, error)
    after = current(stack, STRANGE)
    assert (after.account_id, after.decided_by) == (before.account_id, before.decided_by)


def test_a_proposal_is_listed_accepted_once_and_listed_no_more(stack, run):
    days = str((SystemClock().now() - NOW).days + 30)
    run("match", "choose", str(NEW), "--account", "south", "--as", "lena")
    assert "pat@shared.example" in run("proposals", "list", "--days", days)[0]
    for _ in range(2):
        said = run("proposals", "accept", "pat@shared.example", "--as", "lena")
        assert said == ("accepted: add it to the CRM\n", "")
    assert "pat@shared.example" not in run("proposals", "list", "--days", days)[0]


def test_the_same_act_on_the_same_sight_is_carried_out_once(stack):
    reader, clock = Reader(stack.warehouse_url), SystemClock()
    act = Act(CommandKind.CHOOSE_MATCH, str(STRANGE), "north", seen="the first look")
    commands = [signed(act, "lena", "she told me", clock) for _ in range(2)]
    for command in commands:
        send(stack, command)
        wait_until(lambda sent=command: outcome(reader, sent))
    count = "SELECT count() FROM raw.command FINAL WHERE idempotency_key = %(key)s"
    assert commands[0].idempotency_key == commands[1].idempotency_key
    assert reader.value(count, {"key": commands[0].idempotency_key}) == 1
    assert outcome(reader, commands[1]).is_done


def test_the_rules_set_last_stand_until_they_are_taken_back_and_bad_ones_change_nothing(stack):
    reader, clock = Reader(stack.warehouse_url), SystemClock()
    rules = rules_text(Company(plan_budget=5, plan_kind_caps={"event": 3}))
    for text, becomes, standing in (
        (rules, "the next plan keeps these rules", rules),
        (rules.replace("event", "evnt"), "'evnt' is not a kind of investment", rules),
        ("", "the next plan keeps the rules of the settings", ""),
    ):
        command = signed(Act(CommandKind.SET_PLAN_RULES, "plan", text), "lena", "", clock)
        send(stack, command)
        wait_until(lambda sent=command: outcome(reader, sent))
        assert becomes in outcome(reader, command).detail
        assert reader.value("SELECT value FROM live.plan_rules") == standing
    reader.close()


def test_a_wrong_token_and_an_absent_worker_are_told_without_the_token(stack):
    command = signed(Act(CommandKind.CHOOSE_MATCH, str(STRANGE), ""), "lena", "", SystemClock())
    wrong = stack.model_copy(update={"command_token": SecretStr("guessed-token")})
    with pytest.raises(UserError, match="401") as refused:
        send(wrong, command)
    away = stack.model_copy(update={"worker_port": free_port()})
    with pytest.raises(Retryable, match="no worker answers") as nobody:
        send(away, command)
    assert "guessed-token" not in str(refused.value) + str(nobody.value)


def test_nobody_decides_namelessly():
    with pytest.raises(UserError, match="who you are"):
        signed(Act(CommandKind.CHOOSE_MATCH, "x", ""), "  ", "", SystemClock())
