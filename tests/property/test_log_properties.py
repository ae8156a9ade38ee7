"""The log's laws, for any history: dense offsets, reads are appends, retention moves forwards."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts.clock import ManualClock
from local.log.store import Draft, Log, Place

_PARTITIONS = 2
_PLACES = [Place("t", n) for n in range(_PARTITIONS)]
_values = st.binary(max_size=20)
_keys = st.none() | st.sampled_from([b"a", b"b", b"c"])


class LogHistory(RuleBasedStateMachine):
    """Any sequence of appends, commits, expiries and restarts, held against a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.log = self._opened()
        self.log.create("t", _PARTITIONS)
        self.appended: dict[Place, list[tuple[datetime, bytes | None, bytes]]] = {
            place: [] for place in _PLACES
        }
        self.committed: dict[Place, int] = {}
        self.expired_before = datetime(2000, 1, 1, tzinfo=UTC)
        self.erased_before = self.expired_before
        self.lows = dict.fromkeys(_PLACES, 0)

    def _opened(self) -> Log:
        return Log(Path(self.folder.name) / "log.db", _PARTITIONS, self.clock)

    @rule(drafts=st.lists(st.tuples(_keys, _values), min_size=1, max_size=5))
    def append(self, drafts):
        placed = self.log.append([Draft("t", key, value) for key, value in drafts])
        for (place, offset), (key, value) in zip(placed, drafts, strict=True):
            assert offset == len(self.appended[place])
            self.appended[place].append((self.clock.now(), key, value))

    @rule(place=st.sampled_from(_PLACES), part=st.floats(0, 1))
    def commit(self, place, part):
        offset = int(part * len(self.appended[place]))
        self.log.commit("g", {place: offset})
        self.committed[place] = max(self.committed.get(place, 0), offset)
        assert self.log.committed("g") == self.committed

    @rule(hours=st.integers(1, 48))
    def wait(self, hours):
        self.clock.advance(timedelta(hours=hours))

    @rule(keep_hours=st.integers(0, 72), unread_more_hours=st.integers(0, 72))
    def expire(self, keep_hours, unread_more_hours):
        before = self.clock.now() - timedelta(hours=keep_hours)
        unread_before = before - timedelta(hours=unread_more_hours)
        held = self._held()
        self.log.expire(
            "t",
            before_ms=int(before.timestamp() * 1000),
            unread_before_ms=int(unread_before.timestamp() * 1000),
        )
        for place, offsets in held.items():
            kept = {o for o in offsets if not self._is_due(place, o, before, unread_before)}
            assert set(self._held()[place]) == kept

    @rule()
    def restart(self):
        self.log.close()
        self.log = self._opened()

    @invariant()
    def reads_are_appends(self):
        for place in _PLACES:
            for record in self.log.read(place, 0, 10_000):
                moment, key, value = self.appended[place][record.offset]
                assert (record.key, record.value) == (key, value)
                assert record.appended_ms == int(moment.timestamp() * 1000)

    @invariant()
    def offsets_are_dense_and_retention_never_moves_back(self):
        for place, (low, after) in self.log.bounds().items():
            assert after == len(self.appended[place])
            assert self.lows[place] <= low <= after
            assert self._held()[place] == list(range(low, after))
            self.lows[place] = low

    def _held(self) -> dict[Place, list[int]]:
        return {place: [r.offset for r in self.log.read(place, 0, 10_000)] for place in _PLACES}

    def _is_due(self, place: Place, offset: int, before: datetime, unread_before: datetime) -> bool:
        moment = self.appended[place][offset][0]
        is_read = offset < self.committed.get(place, offset + 1)
        return moment < unread_before or (moment < before and is_read)

    def teardown(self):
        self.log.close()
        self.folder.cleanup()


TestLogHistory = LogHistory.TestCase
TestLogHistory.settings = settings(max_examples=25, stateful_step_count=20)
