"""The page "add a source", followed to the letter."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.source_contract import SourceContract
from local.ports import free_port

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "add-a-source.md"


def test_whoever_does_what_the_page_says_has_a_source_that_keeps_the_laws(tmp_path):
    home, programs = tmp_path / "home", tmp_path / "bin"
    programs.mkdir()
    for name, argv in {"headwater": "-m cli", "python": ""}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {argv} "$@"\n')
        (programs / name).chmod(0o755)
    told = os.environ | {
        "HEADWATER_HOME": str(home),
        "HEADWATER_WORKER_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = "set -e\n" + "\n".join(blocks)
    done = subprocess.run(
        ["sh", "-c", script], env=told, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, listed, account = done.stdout.strip().splitlines()
    laws = [name for name in vars(SourceContract) if name.startswith("test_")]
    assert f"{len(laws)} passed" in done.stdout
    assert listed == "tickets"
    told = json.loads(account)
    assert (told["seen"], told["activities"]) == (2, 2)
