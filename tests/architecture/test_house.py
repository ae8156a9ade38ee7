"""The house keeps its own rules: names, documents, and what must not be in it."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split()
PYTHON = [file for file in FILES if file.endswith(".py")]
ROOMS = [file for file in PYTHON if not file.startswith(("tests/", "bench/"))]


@pytest.mark.parametrize("name", ["utils", "common", "helpers", "core", "misc"])
def test_no_room_is_named_after_nothing(name):
    assert not [file for file in PYTHON if name in Path(file).with_suffix("").parts]


def test_modules_are_pages_one_sits_down_and_reads():
    long = {file: len((ROOT / file).read_text().splitlines()) for file in ROOMS}
    assert {file: lines for file, lines in long.items() if lines > 450} == {}


def test_every_command_is_documented():
    import cli.commands  # noqa: F401 registers the commands
    from cli import app

    readme = (ROOT / "README.md").read_text()
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        assert command.help, f"headwater {name} has no help"
        assert f"headwater {name}" in readme or f"make {name}" in readme, f"README omits {name}"


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`make ([a-z]+)", (ROOT / document).read_text()))
        assert named <= targets, f"{document} names targets that don't exist: {named - targets}"


def test_every_link_between_documents_leads_somewhere():
    for document in (file for file in FILES if file.endswith(".md")):
        text = (ROOT / document).read_text()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (ROOT / document).parent.joinpath(target).exists(), f"{document} -> {target}"


def test_no_file_names_a_package_registry():
    hosts = re.compile(r"py" r"pi\.org|python" r"hosted|registry\.npm" r"js|repo1?\.maven")
    for file in FILES:
        text = (ROOT / file).read_text(errors="replace")
        assert not hosts.search(text), f"{file} names a package registry's host"


def test_every_dependency_is_pinned_with_hashes():
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        pins = re.split(r"\n(?=[a-z])", lock.read_text())
        unpinned = [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin]
        assert unpinned == [], f"{lock.name} has pins without hashes"
