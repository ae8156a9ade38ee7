"""Settings: read from one place, never silent about a wrong one, never loud about a secret."""

import multiprocessing
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.errors import UserError
from settings import Settings, load, secret, secret_files
from tests.waiting import PATIENCE_SECONDS

PASSWORD = "open-sesame"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HEADWATER_* but the test's own."""
    for name in [name for name in os.environ if name.startswith("HEADWATER_")]:
        monkeypatch.delenv(name)


def write(home: Path, text: str) -> Path:
    (home / "headwater.toml").write_text(text)
    return home


def refusal(home: Path) -> str:
    with pytest.raises(UserError) as error:
        load(home)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None, "a chained error would show the value"
    return str(error.value)


def test_an_argument_wins_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch):
    write(tmp_path, 'worker_port = 1\nlog_level = "DEBUG"\n[company]\nname = "Acme"')
    assert load(tmp_path).worker_port == 1
    monkeypatch.setenv("HEADWATER_WORKER_PORT", "2")
    monkeypatch.setenv("HEADWATER_COMPANY__NAME", "Globex")
    settings = load(tmp_path)
    assert (settings.worker_port, settings.log_level) == (2, "DEBUG")
    assert settings.company.name == "Globex"
    assert Settings(home=tmp_path, worker_port=3).worker_port == 3


def test_a_secret_file_wins_over_the_home_s_file_and_the_environment_over_both(
    tmp_path, monkeypatch
):
    write(tmp_path, "webhook_secret = 'file'\ncommand_token = 'file'\ntryton_password = 'file'")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("webhook_secret", "HEADWATER_COMMAND_TOKEN", "headwater_tryton_password"):
        (folder / name).write_text("secret\n")
    monkeypatch.setenv("HEADWATER_SECRETS_DIR", str(folder))
    monkeypatch.setenv("HEADWATER_TRYTON_PASSWORD", "environment")
    settings = load(tmp_path)
    assert settings.webhook_secret.get_secret_value() == "file", "another's file is not read"
    assert settings.command_token.get_secret_value() == "secret"
    assert settings.tryton_password.get_secret_value() == "environment"


def test_without_secret_files_nothing_is_missing(tmp_path, monkeypatch, recwarn):
    assert secret_files() == Path("/run/secrets")
    monkeypatch.setenv("HEADWATER_SECRETS_DIR", str(tmp_path / "nowhere"))
    assert load(tmp_path).worker_port == 6066
    assert list(recwarn) == []


def test_without_an_argument_the_home_is_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_HOME", str(write(tmp_path, "worker_port = 7")))
    assert (load().home, load().worker_port) == (tmp_path, 7)
    monkeypatch.delenv("HEADWATER_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert load().home == tmp_path / "share" / "headwater"


def test_a_home_without_a_file_has_settings_too(tmp_path):
    settings = load(tmp_path)
    assert settings.broker_url == f"sqlite:///{tmp_path}/log/log.db"
    assert settings.warehouse_url.get_secret_value() == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("worker_prot = 1", "worker_prot: is not a setting"),
        ("[company]\nown_domain = 'x'", "company.own_domain: is not a setting"),
        ("batch_size = 0", "batch_size: Input should be greater than or equal to 1"),
        ("batch_size = 'many'", "batch_size: Input should be a valid integer"),
        ("[company]\nfiscal_first_month = 13", "company.fiscal_first_month: "),
        ("[company]\ntime_zone = 'Mars/Phobos'", "'Mars/Phobos' is not an IANA time zone such as"),
        ("[company]\nbase_currency = 'dollar'", "company.base_currency: "),
        ("bind = '::'", "bind: Input should be '127.0.0.1' or '0.0.0.0'"),
        ("warehouse_cluster = 'a b'", "warehouse_cluster: "),
        ("batch_size = ", "Invalid value"),
        ("[company\nname = 'x'", "at line 1"),
    ],
)
def test_what_is_wrong_is_named_with_where_to_correct_it(tmp_path, text, says):
    said = refusal(write(tmp_path, text))
    assert says in said
    assert f"Correct HEADWATER_* in the environment or {tmp_path}/headwater.toml" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[company.plan_kind_caps]\nevnt = 2", "'evnt' is not a kind of investment: did you mean"),
        ("[company.plan_kind_floors]\nevent = -2", "company.plan_kind_floors.event"),
        ("[company.plan_month_budgets]\n2026-13 = 2", "'2026-13' is not a month such as 2026-12"),
        ("[company.plan_caps]\nevent = 2", "company.plan_caps: is not a setting"),
    ],
)
def test_a_rule_of_the_plan_that_is_not_known_is_refused(tmp_path, text, says):
    assert says in refusal(write(tmp_path, text))


def test_the_plan_s_rules_are_read(tmp_path):
    text = "[company.plan_kind_caps]\nevent = 2\n[company.plan_month_budgets]\n2026-12 = 3"
    company = load(write(tmp_path, text)).company
    assert (company.plan_kind_caps, company.plan_month_budgets) == ({"event": 2}, {"2026-12": 3})


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    said = refusal(write(tmp_path, "nope = 1\nworker_port = 'x'"))
    assert "nope" in said
    assert "worker_port" in said


@pytest.mark.parametrize(
    "text",
    [
        f"tryton_password = ['{PASSWORD}']",
        f"batch_size = '{PASSWORD}'",
        f"[warehouse_url]\nx = '{PASSWORD}'",
    ],
)
def test_no_message_shows_a_value(tmp_path, text):
    assert PASSWORD not in refusal(write(tmp_path, text))


def test_a_file_that_can_not_be_read_is_told(tmp_path):
    (tmp_path / "headwater.toml").mkdir()
    assert load(tmp_path).worker_port == 6066, "a folder of that name is no file"
    (tmp_path / "headwater.toml").rmdir()
    (tmp_path / "headwater.toml").write_bytes(b"\xff\xfe")
    assert "headwater.toml" in refusal(tmp_path)


def test_secrets_do_not_show(tmp_path):
    url = f"clickhouse://headwater:{PASSWORD}@db.example:9000"
    text = f"warehouse_url = '{url}'\n" + "".join(
        f"{name} = '{PASSWORD}'\n"
        for name in ("webhook_secret", "command_token", "tryton_password")
    )
    settings = load(write(tmp_path, text))
    assert settings.warehouse_url.get_secret_value() == url
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert PASSWORD not in shown


def test_settings_can_not_be_changed(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).worker_port = 1


# Secrets that a home keeps


def test_a_secret_is_made_once_and_kept(tmp_path):
    made = secret(tmp_path, "token")
    assert len(made.get_secret_value()) >= 32
    assert secret(tmp_path, "token") == made
    assert secret(tmp_path, "other") != made


def test_a_given_secret_is_used_and_nothing_is_kept(tmp_path):
    assert secret(tmp_path, "token", SecretStr("given")).get_secret_value() == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        secret(tmp_path / "home", "token")
    finally:
        os.umask(before)
    folder = tmp_path / "home" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_processes_that_need_a_secret_at_once_get_the_same(tmp_path):
    """Each in a process of its own, let go together, over and over."""
    workers = 4
    context = multiprocessing.get_context("forkserver")
    with context.Manager() as manager:
        together = manager.Barrier(workers)
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            rounds = [
                [
                    pool.submit(first_use, together, tmp_path, f"token {number}")
                    for _ in range(workers)
                ]
                for number in range(25)
            ]
            found = [{one.result() for one in uses} for uses in rounds]
    assert [len(tokens) for tokens in found] == [1] * 25
    assert all(len(token) >= 32 for tokens in found for token in tokens)
    assert len(list((tmp_path / "secrets").iterdir())) == 25, "nothing is left lying about"


def first_use(together, home, name):
    together.wait(PATIENCE_SECONDS)
    return secret(home, name).get_secret_value()


@pytest.mark.parametrize(
    ("log_url", "path"),
    [
        ("", "/home/jo/log/log.db"),
        ("sqlite:////data/our.db", "/data/our.db"),
        ("kafka://kafka:9092", None),
    ],
)
def test_the_log_of_one_machine_is_a_file_wherever_it_lies(log_url, path):
    settings = Settings(home=Path("/home/jo"), log_url=log_url)
    assert settings.log_path == (Path(path) if path else None)
