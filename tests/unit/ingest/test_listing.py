"""A folder is listed again where something may have changed, and only there."""

from operator import methodcaller

import pytest

from contracts.errors import UserError
from ingest import listing
from ingest.listing import Listing


class Ticks:
    """A clock that is moved by hand."""

    def __init__(self):
        self.seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def listed(tmp_path, ticks):
    return Listing(tmp_path, methodcaller("upper"), ticks)


@pytest.fixture
def one_tick(monkeypatch):
    """All that happens to the folder happens within one tick of its file system."""
    monkeypatch.setattr(listing, "_times", lambda _: (1,))


@pytest.fixture
def settled(listed, ticks):
    """A listing that was made long after its times were first seen."""
    listed.files()
    ticks.seconds += 2
    return listed.files()


def test_files_have_their_keys_and_paths_and_folders_are_none(listed, tmp_path):
    (tmp_path / "a").write_text("")
    (tmp_path / "b").mkdir()
    assert listed.files() == {"A": str(tmp_path / "a")}


@pytest.mark.usefixtures("one_tick")
def test_what_comes_within_a_tick_of_the_file_system_is_found_at_the_next_look(
    listed, ticks, tmp_path
):
    for seconds in (0, 1.9):
        ticks.seconds += seconds
        listed.files()
        (tmp_path / str(seconds)).write_text("")
        assert str(seconds) in listed.files()


@pytest.mark.usefixtures("settled")
def test_a_listing_that_settled_is_relied_on_until_the_times_change(
    listed, ticks, tmp_path, monkeypatch
):
    before = listed.files()
    with monkeypatch.context() as patch:
        patch.setattr(listing.os, "scandir", lambda _: pytest.fail("it was listed"))
        ticks.seconds += 50
        assert listed.files() is before
    (tmp_path / "a").write_text("")
    assert set(listed.files()) == {"A"}
    (tmp_path / "a").rename(tmp_path / "b")
    assert set(listed.files()) == {"B"}
    (tmp_path / "b").unlink()
    assert listed.files() == {}


@pytest.mark.usefixtures("one_tick", "settled")
def test_where_times_never_change_what_comes_is_found_within_a_minute(listed, ticks, tmp_path):
    (tmp_path / "a").write_text("")
    ticks.seconds += 59
    assert listed.files() == {}
    ticks.seconds += 1
    assert set(listed.files()) == {"A"}


def test_a_folder_that_goes_is_empty_and_another_in_its_place_is_listed(listed, ticks, tmp_path):
    (tmp_path / "a").write_text("")
    assert set(listed.files()) == {"A"}
    ticks.seconds += 2
    listed.files()
    (tmp_path / "a").unlink()
    tmp_path.rmdir()
    assert listed.files() == {}
    tmp_path.mkdir()
    (tmp_path / "c").write_text("")
    assert set(listed.files()) == {"C"}


def test_a_folder_that_can_not_be_listed_is_told(tmp_path):
    (tmp_path / "new").write_text("no folder")
    with pytest.raises(UserError, match="new can't be read"):
        Listing(tmp_path / "new", str).files()
