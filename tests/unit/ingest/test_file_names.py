"""File systems take any bytes for a name; what is heard must go on the wire all the same."""

import os
from pathlib import Path

import pytest

from ingest.source import Heard
from ingest.sources.calls import CallLogSource
from ingest.sources.eml import EmlSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource

SPELLED = r"caf\xe9"
MAIL = b"From: kim@acme.example\n\nHello\n"
FROM_LINE = b"From kim@acme.example Mon Nov 23 10:00:00 2026\n"


@pytest.fixture
def path(tmp_path):
    """A path whose name is no UTF-8."""
    return Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))


@pytest.mark.parametrize("kind", [EmlSource, MaildirSource])
@pytest.mark.parametrize("below", ["", "folder"])
def test_a_folder_and_a_file_that_are_not_named_in_utf8_are_heard(path, kind, below):
    parts = [path / below / path.name / part for part in ("cur", "new")]
    for part in parts:
        part.mkdir(parents=True)
    (parts[-1] / path.name).write_bytes(MAIL)
    source = kind(path)
    found = next(item for item in source.read("") if isinstance(item, Heard))
    assert source.name.endswith(SPELLED)
    assert SPELLED in found.external_id.rpartition("/")[2]
    assert found.observer.startswith(below or SPELLED)


@pytest.mark.parametrize(
    ("kind", "content"), [(MboxSource, FROM_LINE + MAIL), (CallLogSource, b"{}")]
)
def test_a_file_of_many_that_is_not_named_in_utf8_is_heard(path, kind, content):
    path.write_bytes(content)
    source = kind(path)
    found = next(item for item in source.read("") if isinstance(item, Heard))
    assert source.name.endswith(SPELLED)
    assert found.observer == SPELLED
