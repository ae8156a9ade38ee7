"""docker-compose.yml and the image say what the code says; no Docker runs here.

`tests/e2e/test_compose.py` runs the commands of this file against Apache Kafka.
"""

import re
import subprocess
import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.specifiers import SpecifierSet
from pydantic import SecretStr

from contracts.capture_rows import CursorRow
from contracts.rows import CrmWriteRow, MatchRow
from dashboard.launch import dashboard_command
from ingest.transport import MAX_MESSAGE_BYTES
from local.kafka import broker
from orchestration.launch import dagster_environment
from settings import Settings, load
from tests.clickhouse_parser import formatted
from tests.compose import COMPOSE, HOME, ONCE, OURS, ROOT, SERVICES, environment, secrets
from tests.row_types import row_types
from warehouse.migrate import HISTORY_TABLE

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
USERS = (ROOT / "deploy/clickhouse/users.sql").read_text()
DEFAULTS = Settings.model_fields

# The keys of the Compose specification that this file may use, by where they stand.
TOP = {"name", "services", "networks", "volumes", "configs", "secrets"}
SERVICE = {
    "build", "cap_drop", "command", "configs", "depends_on", "deploy", "environment", "healthcheck",
    "image", "init", "logging", "networks", "ports", "restart", "secrets", "security_opt",
    "stop_grace_period", "ulimits", "volumes",
}  # fmt: skip
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def each(services=SERVICES):
    return pytest.mark.parametrize("name", sorted(services))


# The shape


def test_only_keys_of_the_compose_specification_are_used():
    assert {key for key in COMPOSE if not key.startswith("x-")} == TOP
    for name, given in SERVICES.items():
        assert set(given) <= SERVICE, name
        assert set(given.get("healthcheck", {})) <= HEALTHCHECK, name
        assert set(given["deploy"]) <= {"replicas", "resources"}, name
        for variable, value in environment(name).items():
            assert isinstance(value, str), f"{name}: {variable} is not text"


def test_what_a_service_refers_to_is_there():
    for name, given in SERVICES.items():
        assert set(given["networks"]) <= set(COMPOSE["networks"])
        assert set(secrets(name).values()) <= set(COMPOSE["secrets"])
        assert {config["source"] for config in given.get("configs", [])} <= set(COMPOSE["configs"])
        for volume in given.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file()
            else:
                assert source in COMPOSE["volumes"]
        for other, wait in given.get("depends_on", {}).items():
            assert wait["condition"] in CONDITIONS
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            assert (wait["condition"] == "service_completed_successfully") == (other in ONCE)


def test_every_volume_is_used():
    used = {v.split(":")[0] for given in SERVICES.values() for v in given.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= used


# What every service has


@each()
def test_an_image_is_pinned_by_a_whole_version(name):
    assert re.search(r":\d+\.\d+\.\d+(\.\d+)?$", SERVICES[name]["image"])


@each()
def test_memory_processors_and_logs_are_bounded(name):
    assert {"cpus", "memory"} <= set(SERVICES[name]["deploy"]["resources"]["limits"])
    assert SERVICES[name]["logging"]["options"].keys() == {"max-size", "max-file"}


@each(SERVICES.keys() - ONCE)
def test_what_runs_on_is_watched_and_restarted(name):
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"].keys() == HEALTHCHECK
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@each()
def test_only_what_a_person_opens_is_published_and_on_loopback(name):
    opened = {"dashboard": "dashboard_port", "dagster-web": "dagster_port"}
    published = SERVICES[name].get("ports", [])
    port = DEFAULTS[opened[name]].default if name in opened else None
    assert published == ([f"127.0.0.1:{port}:{port}"] if name in opened else [])


@each()
def test_no_secret_is_in_the_environment(name):
    secret = {f"HEADWATER_{n.upper()}" for n, f in DEFAULTS.items() if f.annotation is SecretStr}
    assert not secret & environment(name).keys()
    assert not [v for v in environment(name) if re.search("PASSWORD|TOKEN|SECRET", v)]


def test_workers_can_be_scaled():
    worker = SERVICES["worker"]
    assert not {"container_name", "hostname", "ports", "volumes"} & worker.keys()
    assert 1 < worker["deploy"]["replicas"] <= DEFAULTS["log_partitions"].default


# Our programs


@each(OURS)
def test_every_variable_is_a_setting_and_the_settings_take_it(name, monkeypatch, tmp_path):
    told = {k: v for k, v in environment(name).items() if k.startswith("HEADWATER_")}
    assert {variable.removeprefix("HEADWATER_").lower() for variable in told} <= set(DEFAULTS)
    for variable, value in told.items():
        monkeypatch.setenv(variable, value)
    settings = load(tmp_path)
    assert settings.bind == "0.0.0.0"
    assert urlsplit(settings.broker_url).hostname == "kafka"
    assert urlsplit(settings.broker_url).scheme == "kafka"
    assert settings.dagster_code_host in {"127.0.0.1", "dagster-code"}


@each(OURS)
def test_every_secret_file_is_a_setting(name):
    targets = {target.removeprefix("headwater_") for target in secrets(name)}
    assert targets <= set(DEFAULTS)
    assert all(DEFAULTS[target].annotation is SecretStr for target in targets)


@each(OURS)
def test_every_command_is_one_that_the_image_has(name):
    program, *args = SERVICES[name]["command"]
    if program == "headwater":
        from typer.main import get_command

        import cli.commands  # noqa: F401 registers the commands
        from cli import app

        assert PROJECT["project"]["scripts"]["headwater"] == "cli:main"
        assert args[0] in get_command(app).commands
    else:
        assert (program, args[0]) == ("python", "-m")
        assert (ROOT / args[1].replace(".", "/")).with_suffix(".py").is_file()
        assert args[1].split(".")[0] in packages()


def test_the_parts_of_dagster_are_all_there_and_share_its_folder():
    parts = [name for name in OURS if "orchestration.serve" in SERVICES[name]["command"]]
    assert sorted(SERVICES[name]["command"][3] for name in parts) == ["code", "daemon", "web"]
    for name in parts:
        assert f"dagster:{HOME}/dagster" in SERVICES[name]["volumes"]


def test_dagster_s_folder_is_the_one_that_the_code_uses(tmp_path):
    made = Path(dagster_environment(Settings(home=tmp_path))["DAGSTER_HOME"])
    expected = f"{HOME}/{made.relative_to(tmp_path)}"
    assert environment("dagster-daemon")["DAGSTER_HOME"] == expected, "liveness-check reads it"


def test_probes_ask_at_the_default_ports():
    def asked(name):
        return " ".join(SERVICES[name]["healthcheck"]["test"])

    assert f"127.0.0.1:{DEFAULTS['worker_port'].default}/livez" in asked("worker")
    assert f"127.0.0.1:{DEFAULTS['dashboard_port'].default}/_stcore/health" in asked("dashboard")
    assert f"127.0.0.1:{DEFAULTS['dagster_port'].default}/server_info" in asked("dagster-web")
    assert str(DEFAULTS["dagster_code_port"].default) in asked("dagster-code").split()


def test_the_dashboard_listens_where_the_setting_says():
    told = dashboard_command(Settings(bind="0.0.0.0"))
    assert "--server.address=0.0.0.0" in told
    assert "--server.address=127.0.0.1" in dashboard_command(Settings())


# Kafka


def test_kafka_is_the_version_and_the_configuration_that_the_tests_run():
    pom = (ROOT / "local/kafka/pom.xml").read_text()
    version = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>(.+?)</version>", pom)
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"
    here = {"controller.quorum.voters", "listeners", "log.dirs"}  # addresses and folders
    for line in broker._PROPERTIES.split():
        name, value = line.split("=", 1)
        variable = f"KAFKA_{name.upper().replace('.', '_')}"
        assert variable in environment("kafka"), variable
        if name not in here:
            assert environment("kafka")[variable] == value, variable
    assert environment("kafka")["KAFKA_HEAP_OPTS"] == broker._HEAP


def test_kafka_takes_and_is_reached_with_our_largest_message():
    assert int(environment("kafka")["KAFKA_MESSAGE_MAX_BYTES"]) > MAX_MESSAGE_BYTES
    assert environment("kafka")["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"
    assert environment("worker")["HEADWATER_LOG_URL"] == "kafka://kafka:9092"


# The image


def packages():
    return PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_the_image_s_python_is_pinned_and_one_that_the_project_takes():
    versions = re.findall(r"^FROM python:(\d+\.\d+\.\d+)(?:-slim)?-bookworm", DOCKERFILE, re.M)
    assert len(versions) == len(re.findall("^FROM ", DOCKERFILE, re.M)) == 2
    assert len(set(versions)) == 1, "the environment is built for the Python that runs it"
    assert versions[0] in SpecifierSet(PROJECT["project"]["requires-python"])


def test_the_image_is_named_after_the_project_s_version():
    version = PROJECT["project"]["version"]
    assert {given["image"] for given in OURS.values()} == {f"headwater:{version}"}


def test_the_image_holds_what_is_locked_and_runs_as_nobody_special():
    assert "--require-hashes" in DOCKERFILE
    for path in re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.M):
        assert (ROOT / path).exists()
    user = re.search(r"^USER (\d+)", DOCKERFILE, re.M)
    assert int(user[1]) > 1000
    assert DOCKERFILE.index("\nUSER") > DOCKERFILE.index("\nRUN useradd")
    assert f"HEADWATER_HOME={HOME}" in DOCKERFILE
    assert not re.search("^HEALTHCHECK|SECRET|PASSWORD|TOKEN", DOCKERFILE, re.M)


def test_what_gets_into_the_build_is_the_packages_and_no_more():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    build = {"LICENSE", "README.md", "pyproject.toml", "requirements/run.lock"}
    assert let_in == build | set(packages())


# The warehouse's users


def test_each_program_has_a_user_of_its_own():
    urls = {name: secrets(name).get("headwater_warehouse_url") for name in OURS}
    assert urls == {
        "migrate": "migrator_url",
        "worker": "writer_url",
        "dagster-code": "batch_url",
        "dagster-web": None,
        "dagster-daemon": None,
        "dashboard": "reader_url",
    }


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory):
    """The secrets, made by the script, twice: what is there stays."""
    folder = tmp_path_factory.mktemp("deploy")
    script = folder / "make-secrets.sh"
    script.write_text((ROOT / "deploy/make-secrets.sh").read_text())
    subprocess.run(["bash", str(script)], check=True)
    first = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    subprocess.run(["bash", str(script)], check=True)
    assert first == {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    return folder / "secrets"


def test_the_secrets_are_made_that_the_file_mounts(made_secrets):
    assert {file.name for file in made_secrets.iterdir()} == set(COMPOSE["secrets"])
    for name, given in COMPOSE["secrets"].items():
        assert given == {"file": f"./deploy/secrets/{name}"}
    assert made_secrets.stat().st_mode & 0o777 == 0o700, "nobody else gets to them on the host"
    assert {f.stat().st_mode & 0o777 for f in made_secrets.iterdir()} == {0o444}
    values = [file.read_text().strip() for file in made_secrets.iterdir()]
    assert len(set(values)) == len(values)
    assert all(re.search(r"[\w-]{43}", value) for value in values)
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_programs_log_in_as_the_users_that_are_made(made_secrets, tmp_path):
    """The script runs with a stand-in for the client, which says what it was told."""
    client = tmp_path / "clickhouse"
    client.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    client.chmod(0o755)
    script = tmp_path / "create-users.sh"
    text = (ROOT / "deploy/clickhouse/create-users.sh").read_text()
    script.write_text(text.replace("/run/secrets", str(made_secrets)))
    run = subprocess.run(
        ["bash", str(script)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    for user in ("migrator", "writer", "batch", "reader"):
        url = urlsplit((made_secrets / f"{user}_url").read_text().strip())
        assert (url.username, url.hostname, url.port) == (f"headwater_{user}", "clickhouse", 9000)
        assert f"--param_{user}={sha256(url.password.encode()).hexdigest()}" in run.stdout.split()
        assert f"CREATE USER OR REPLACE headwater_{user} " in USERS
        assert url.password not in run.stdout
    mounted = {v.split(":")[0]: v.split(":")[1] for v in SERVICES["clickhouse"]["volumes"]}
    assert f"--queries-file\n{mounted['./deploy/clickhouse/users.sql']}\n" in run.stdout


@cache
def statements():
    lines = [line for line in USERS.splitlines() if not line.startswith("--")]
    return formatted(s for s in "\n".join(lines).split(";") if s.strip())


def granted(user):
    """What a user may do: (right, on what)."""
    told = [re.fullmatch(r"GRANT (.+) ON (\S+) TO headwater_(\w+)", s) for s in statements()]
    return {
        (right, grant[2])
        for grant in told
        if grant and grant[3] == user
        for right in grant[1].split(", ")
    }


def test_clickhouse_s_parser_takes_every_statement():
    kinds = {statement.split()[0] for statement in statements()}
    assert kinds == {"CREATE", "GRANT", "REVOKE"}


def test_the_dashboard_s_user_may_only_read():
    assert {right for right, _ in granted("reader")} == {"SELECT"}


def test_a_worker_may_write_rows_and_change_nothing():
    assert {right for right, _ in granted("writer")} == {"SELECT", "INSERT"}
    assert {on for right, on in granted("writer") if right == "INSERT"} == {"raw.*"}
    revoked = f"REVOKE INSERT ON raw.{HISTORY_TABLE} FROM headwater_writer"
    assert revoked in statements()


def test_what_dagster_writes_is_granted_table_by_table():
    computed = {row.table for row in row_types() if row.table.startswith("ml.")}
    facts = {"live.engagement_fact", "live.engagement_build"}
    written = computed | facts | {CrmWriteRow.table, MatchRow.table, CursorRow.table}
    assert {on for right, on in granted("batch") if right == "INSERT"} == written
    assert {on for right, on in granted("batch") if right == "CREATE VIEW"} == {
        "staging.*",
        "marts.*",
    }


def test_only_the_migrator_makes_tables():
    users = {u for u in ("migrator", "writer", "batch", "reader") for r, _ in granted(u)
             if "CREATE TABLE" in r}  # fmt: skip
    assert users == {"migrator"}
