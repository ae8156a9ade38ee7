"""Maildirs while mail is delivered, moved and flagged."""

from shutil import rmtree

import pytest

from contracts.errors import UserError
from ingest.source import Checkpoint, Heard, Withdrawn
from ingest.sources import maildir
from ingest.sources.maildir import MaildirSource


@pytest.fixture
def path(tmp_path):
    for part in ("tmp", "new", "cur"):
        (tmp_path / "kim" / part).mkdir(parents=True)
    return tmp_path


def deliver(path, name, part="new"):
    (path / "kim" / "tmp" / name).write_bytes(f"Subject: {name}\n\nx".encode())
    (path / "kim" / "tmp" / name).rename(path / "kim" / part / name)


def read(source, state=""):
    items = list(source.read(state))
    keys = [item.external_id for item in items if isinstance(item, Heard)]
    states = [item.state for item in items if isinstance(item, Checkpoint)]
    return keys, states[-1] if states else state


def test_what_is_read_in_order_of_delivery_is_not_read_again_when_flagged(path):
    source = MaildirSource(path, follow=True)
    deliver(path, "2.a")
    deliver(path, "1.b")
    keys, state = read(source)
    assert sorted(keys) == ["kim/1.b", "kim/2.a"]
    (path / "kim/new/1.b").rename(path / "kim/cur/1.b:2,S")
    deliver(path, "0.c")
    assert read(source, state)[0] == ["kim/0.c"]


def withdrawn(source, state):
    return [item for item in source.read(state) if isinstance(item, Withdrawn)]


def test_what_goes_while_it_is_followed_is_withdrawn_and_what_comes_back_is_heard_again(path):
    deliver(path, "1.a")
    _, state = read(MaildirSource(path, follow=True))
    source = MaildirSource(path, follow=True)  # a later run, which hears nothing of it again
    assert read(source, state)[0] == []
    (path / "kim/new/1.a").rename(path / "kim/tmp/1.a")
    assert withdrawn(source, state) == [Withdrawn("kim/1.a", "kim")]
    assert withdrawn(source, state) == []
    (path / "kim/tmp/1.a").rename(path / "kim/cur/1.a:2,S")
    assert read(source, state)[0] == ["kim/1.a"]


def test_what_goes_is_told_again_where_that_could_not_be_kept(path):
    deliver(path, "1.a")
    source = MaildirSource(path, follow=True)
    _, state = read(source)
    (path / "kim/new/1.a").unlink()
    assert next(source.read(state)) == Withdrawn("kim/1.a", "kim")
    assert withdrawn(source, state) == [Withdrawn("kim/1.a", "kim")]


def test_a_pass_over_mailboxes_in_which_nothing_changed_looks_at_no_mail(path, monkeypatch):
    deliver(path, "1.a")
    source = MaildirSource(path, follow=True)
    _, state = read(source)
    with monkeypatch.context() as patch:
        patch.setattr(maildir, "_file", lambda *_: pytest.fail("a mail was looked at"))
        assert read(source, state) == ([], state)
    deliver(path, "2.b")
    assert read(source, state)[0] == ["kim/2.b"]


def test_mails_of_a_folder_that_is_renamed_are_heard_under_their_new_names(path):
    deliver(path, "1.a")
    source = MaildirSource(path, follow=True)
    _, state = read(source)
    (path / "kim").rename(path / "lee")
    first, _, second, *_ = source.read(state)
    assert first == Withdrawn("kim/1.a", "kim")
    assert (second.external_id, second.observer) == ("lee/1.a", "lee")


def test_a_body_that_is_asked_for_late_is_found_wherever_its_mail_is_now(path):
    deliver(path, "1.a")
    deliver(path, "2.b")
    (path / "kim/new/1.a").rename(path / "kim/cur/1.a:2,RS")
    (heard,) = MaildirSource(path).fetch(["kim/1.a", "kim/gone"])
    assert heard[:3] == ("kim/1.a", "kim", b"Subject: 1.a\n\nx")
    assert heard.held_at is not None


def test_a_later_run_goes_on_where_the_last_one_ended(path):
    deliver(path, "1.a")
    _, state = read(MaildirSource(path))
    deliver(path, "0.b")
    deliver(path, "2.c:2,S", part="cur")
    assert sorted(read(MaildirSource(path), state)[0]) == ["kim/0.b", "kim/2.c"]


def test_a_mail_that_moves_while_it_is_read_is_found(path, monkeypatch):
    deliver(path, "1.a")
    light = maildir._light

    def move_first(file):
        (path / "kim/new/1.a").rename(path / "kim/cur/1.a:2,RS")
        return light(file)

    monkeypatch.setattr(maildir, "_light", move_first)
    assert read(MaildirSource(path))[0] == ["kim/1.a"]


def test_a_mail_that_is_deleted_while_others_are_read_is_no_error(path, monkeypatch):
    deliver(path, "1.a")
    deliver(path, "2.b")
    light = maildir._light

    def delete_second(file):
        (path / "kim/new/2.b").unlink(missing_ok=True)
        return light(file)

    monkeypatch.setattr(maildir, "_light", delete_second)
    assert read(MaildirSource(path))[0] == ["kim/1.a"]


def test_the_mailbox_is_named_by_its_folder(path):
    deliver(path, "1.a")
    (below, _), (alone, _) = MaildirSource(path).read(""), MaildirSource(path / "kim").read("")
    assert below[:2] == ("kim/1.a", "kim")
    assert alone[:2] == ("1.a", "kim")


def test_a_folder_without_a_maildir_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no maildir"):
        list(MaildirSource(tmp_path).read(""))


def test_only_following_goes_on_from_a_kept_cursor(path):
    assert MaildirSource(path, follow=True).resumes
    assert not MaildirSource(path).resumes


def test_a_mail_whose_folder_went_since_it_was_listed_is_gone(path):
    rmtree(path / "kim")
    assert maildir._file("kim/1.a", path / "kim/new/1.a") is None
