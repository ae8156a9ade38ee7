"""Whose folder it is, who serves it, and which ClickHouse would."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pydantic import SecretStr

from contracts.errors import UserError
from local.clickhouse import binary
from local.clickhouse.home import Identity, identity, is_open, opened
from local.clickhouse.launch import address, server_command
from local.clickhouse.terms import Limits, Place


def test_a_new_folder_is_marked_as_ours(tmp_path: Path) -> None:
    folder = tmp_path / "warehouse"
    assert identity(folder) is None
    with opened(folder, "chdb") as data:
        assert data.parent == folder
        assert is_open(folder)
    assert identity(folder) == Identity("chdb")
    assert not is_open(folder)


def test_a_folder_has_one_server_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "chdb"),
        pytest.raises(UserError, match="another server has"),
        opened(tmp_path, "chdb"),
    ):
        pass


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"name": "headwater warehouse", "format_version": 2, "engine": "chdb"}', "format 2"),
        ('{"name": "diary", "format_version": 1, "engine": "chdb"}', "holds diary"),
    ],
)
def test_a_folder_that_says_something_else_is_refused(tmp_path: Path, said: str, why: str) -> None:
    (tmp_path / "headwater-warehouse.json").write_text(said)
    with pytest.raises(UserError, match=why):
        identity(tmp_path)


def test_a_folder_whose_marking_was_cut_short_is_new(tmp_path: Path) -> None:
    (tmp_path / "headwater-warehouse.json").touch()
    assert identity(tmp_path) is None
    (tmp_path / "data").mkdir()
    with pytest.raises(UserError, match="damaged"):
        identity(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("")
    with pytest.raises(UserError, match="not a headwater warehouse"):
        identity(tmp_path / "warehouse")


def test_nothing_is_served_before_a_server_started(tmp_path: Path) -> None:
    assert address(tmp_path) is None


def test_a_ready_file_without_a_living_server_is_not_believed(tmp_path: Path) -> None:
    server_command(tmp_path)
    ready = tmp_path / "run" / "warehouse.json"
    ready.parent.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getpid()):  # the second lives, but has not opened the folder
        ready.write_text(json.dumps({"host": "127.0.0.1", "port": 9, "pid": pid, "version": "1"}))
        assert address(tmp_path) is None
    with opened(tmp_path / "warehouse", "chdb"):
        served = address(tmp_path)
    assert served is not None
    assert served.port == 9


def test_the_password_is_made_once_and_shown_to_nobody(tmp_path: Path) -> None:
    first, second = server_command(tmp_path), server_command(tmp_path, port=1)
    password = (tmp_path / "secrets" / "warehouse_password").read_text()
    assert len(password) >= 32
    assert not any(password in word for word in first + second)


@pytest.mark.parametrize(
    ("name", "said", "version"),
    [
        ("clickhouse", "ClickHouse local version 25.3.2.39 (official build).", "25.3.2.39"),
        ("clickhouse-server", "ClickHouse server version 26.1.1.1 (official build).", "26.1.1.1"),
        ("clickhouse", "ClickHouse local version 24.12.1.1 (official build).", None),
        ("clickhouse", "a horse of course", None),
    ],
)
def test_a_clickhouse_on_the_path_is_used_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str, version: str | None
) -> None:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = binary.find()
    assert (found.version if found else None) == version


def test_without_a_clickhouse_on_the_path_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary.find() is None


def test_its_configuration_is_loopback_with_our_users_and_limits(tmp_path: Path) -> None:
    place = Place(tmp_path, "127.0.0.1", 9123, SecretStr("s3cret & <safe>"))
    written = binary.configuration(place, Limits(7, 10**9, 12))
    root = ET.fromstring(written)
    assert root.findtext("listen_host") == "127.0.0.1"
    assert root.findtext("tcp_port") == "9123"
    assert root.findtext("path") == f"{tmp_path}/"
    assert root.findtext("max_connections") == "7"
    assert root.findtext("profiles/default/max_memory_usage") == "1000000000"
    assert {user.tag for user in root.iterfind("users/*")} == {"default", "headwater"}
    assert all(user.findtext("networks/ip") == "127.0.0.1" for user in root.iterfind("users/*"))
    assert len(root.findtext("users/headwater/password_sha256_hex") or "") == 64
    assert "s3cret" not in written
    assert not [port for port in root if port.tag.endswith("_port") and port.tag != "tcp_port"]


def test_its_command_names_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.xml"
    whole = binary.Binary(Path("/opt/clickhouse"), "25.3")
    server = binary.Binary(Path("/opt/clickhouse-server"), "25.3")
    assert whole.command(config) == ["/opt/clickhouse", "server", f"--config-file={config}"]
    assert server.command(config) == ["/opt/clickhouse-server", f"--config-file={config}"]
