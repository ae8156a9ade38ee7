"""The laws of every source, as a test suite: ours, and those that others write, are held to it.

class TestTickets(SourceContract):
@pytest.fixture
def case(self, tmp_path):
return Case(open=..., add=..., absent=..., names="no.jsonl")
"""

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from contracts.capture import Capture
from contracts.company import Company
from contracts.crm_rows import CrmRow
from contracts.errors import UserError
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from ingest.source import Checkpoint, Found, Glimpse, HeaderFirst, Heard, Source
from transforms.capture import header, judge, kept
from transforms.rows import to_rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))
LARGE_BYTES = 50_000
FEW, MANY = 100, 400
AT_ONCE = 50


@dataclass
class Case:
    """A source that a test fills.

    Attributes:
        open: opens it anew.
        add: puts one more thing into it, told apart by its number.
        absent: opens one that is not there.
        names: what the error about that must name.
        add_large: puts one more thing of LARGE_BYTES into it; None if none can be that large.
    """

    open: Callable[[], Source]
    add: Callable[[int], None]
    absent: Callable[[], Source]
    names: str
    add_large: Callable[[int], None] | None = None


class SourceContract:
    """Give it a fixture `case`, a new one for each test."""

    def test_everything_is_heard_once_under_a_name_of_its_own(self, case: Case) -> None:
        _fill(case, 5)
        found = heard(case.open())
        assert len(found) == 5  # noqa: PLR2004
        assert len({item.external_id for item in found}) == len(found)
        assert all(item.observer and item.external_id for item in found)

    def test_what_is_heard_becomes_rows(self, case: Case) -> None:
        case.add(1)
        source = case.open()
        (item,) = heard(source)
        sighting, thing = to_rows(_event(source, item), COMPANY)
        assert isinstance(sighting, SightingRow)
        assert isinstance(thing, CrmRow if source.kind == "crm" else ActivityRow)

    def test_reading_again_gives_the_same_names_and_bytes(self, case: Case) -> None:
        _fill(case, 3)
        first, again = case.open(), case.open()
        assert first.name == again.name
        assert sorted(heard(first)) == sorted(heard(again))

    def test_reading_goes_on_from_the_cursor_and_misses_nothing(self, case: Case) -> None:
        _fill(case, 3)
        before = heard(case.open())
        state = last_state(case.open())
        case.add(4)
        after = heard(case.open(), state)
        everything = {item.external_id for item in heard(case.open())}
        assert {item.external_id for item in before + after} == everything
        assert not state or len(after) == 1

    def test_nothing_new_is_nothing_heard_where_there_is_a_cursor(self, case: Case) -> None:
        case.add(1)
        if state := last_state(case.open()):
            assert heard(case.open(), state) == []
            assert last_state(case.open(), state) in {state, last_state(case.open())}

    def test_a_source_that_is_not_there_says_so_and_where(self, case: Case) -> None:
        try:
            heard(case.absent())
        except UserError as error:
            assert case.names in str(error)  # noqa: PT017 this module needs no pytest
        else:
            raise AssertionError("a source that is not there was read")

    def test_it_can_be_left_in_the_middle_and_read_again(self, case: Case) -> None:
        _fill(case, 5)
        items = case.open().read("")
        list(islice(items, 2))
        if hasattr(items, "close"):
            items.close()
        assert len(heard(case.open())) == 5  # noqa: PLR2004

    def test_what_was_taken_but_not_kept_comes_again_from_the_same_object(self, case: Case) -> None:
        """Publishing failed: reading goes on from the last checkpoint."""
        _fill(case, 5)
        source = case.open()
        items = source.read("")
        list(islice(items, 3))
        if hasattr(items, "close"):
            items.close()
        assert len(heard(source)) == 5  # noqa: PLR2004

    def test_it_is_read_no_faster_than_it_is_asked(self, case: Case) -> None:
        """Of four times as much, no more is held at once."""
        if case.add_large is None:
            return
        peaks = []
        for numbers in (range(FEW), range(FEW, MANY)):
            for number in numbers:
                case.add_large(number)
            peaks.append(_peak(case.open(), numbers.stop))
        assert peaks[1] - peaks[0] < (MANY - FEW) * LARGE_BYTES / 4

    def test_times_are_the_source_s_own_and_have_a_zone(self, case: Case) -> None:
        case.add(1)
        first, again = (heard(case.open())[0].held_at for _ in range(2))
        assert first == again
        assert first is None or first.tzinfo is not None

    def test_no_body_of_unknown_people_passes(self, case: Case) -> None:
        case.add(1)
        source = case.open()
        if source.kind != "mail":
            return
        for item in (item for item in source.read("") if isinstance(item, Heard | Glimpse)):
            assert isinstance(item, Heard) or item.payload == header(item.payload) + b"\r\n"
            verdict = judge(item.payload, NOW, COMPANY, lambda _: False, Capture())
            assert verdict.captured == "unknown"
            assert b"Hello" not in kept(item.payload, verdict.captured, "full")


def heard(source: Source, state: str = "") -> list[Heard]:
    """Return all that a source yields, with the bodies of what it only glimpsed."""
    items = list(source.read(state))
    glimpsed = [item.external_id for item in items if isinstance(item, Glimpse)]
    fetched = list(source.fetch(glimpsed)) if isinstance(source, HeaderFirst) and glimpsed else []
    return [item for item in items if isinstance(item, Heard)] + fetched


def one_by_one(source: Source) -> Iterator[Heard]:
    """Yield what a source yields as whoever publishes it takes it, and keep none of it."""
    items = iter(source.read(""))
    while piece := list(islice(items, AT_ONCE)):
        glimpsed = [item.external_id for item in piece if isinstance(item, Glimpse)]
        yield from (item for item in piece if isinstance(item, Heard))
        piece.clear()
        if isinstance(source, HeaderFirst) and glimpsed:
            yield from source.fetch(glimpsed)


def _peak(source: Source, count: int) -> int:
    """Return the most bytes that Python held while a number of large things was read."""
    tracemalloc.start()
    try:
        sizes = [len(item.payload) for item in one_by_one(source)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(sizes) == count
    assert min(sizes) >= LARGE_BYTES
    return peak


def last_state(source: Source, state: str = "") -> str:
    """Return the last cursor that a source yields."""
    items: list[Found] = list(source.read(state))
    states = [item.state for item in items if isinstance(item, Checkpoint)]
    return states[-1] if states else state


def _fill(case: Case, count: int) -> None:
    for number in range(1, count + 1):
        case.add(number)


def _event(source: Source, item: Heard) -> Event:
    return Event(
        kind=source.kind, source=source.name, ingest_run="r", received_at=NOW, **item._asdict()
    )
