"""The quick form of `python -m bench.fuzz`: real and odd bytes, damaged, break no parser."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.fuzz import PARSERS, seeds
from contracts.errors import Rejected

SEEDS = seeds()  # the corpora's are left out where they are absent
SECONDS = 5  # of this process; each input takes milliseconds
EDITS = st.lists(
    st.tuples(
        st.integers(0, 2_000),
        st.integers(0, 40),
        st.one_of(st.binary(max_size=8), st.sampled_from(SEEDS).map(lambda seed: seed[:200])),
    ),
    max_size=6,
)


@st.composite
def damaged(draw):
    data = draw(st.sampled_from(SEEDS))
    for number, drop, insert in draw(EDITS):
        at = number % (len(data) + 1)
        data = data[:at] + insert + data[at + drop :]
    return data


@pytest.mark.parametrize("name", PARSERS)
def test_no_bytes_break_a_parser(name):
    parse = PARSERS[name]()

    @settings(
        max_examples=150, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(damaged())
    def breaks_nothing(data):
        began = process_time()
        with suppress(Rejected):
            parse(data)
        assert process_time() - began < SECONDS

    breaks_nothing()
