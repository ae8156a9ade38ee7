"""What a page does while the warehouse does not answer: it says so, and asks again."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from contracts.errors import HeadwaterError
from dashboard import blocks, reading

_Answer = TypeVar("_Answer")


def asked(read: Callable[[], _Answer]) -> _Answer | None:
    """Return what was read; where it can't be, say why and since when, and return None.

    A page calls it in a fragment that runs again by itself, so it goes on once there is an answer.
    Until the first answer the page says that it waits.
    """
    now = reading.now()
    place = st.empty()
    if "was_told" not in st.session_state:
        place.html(blocks.note("Asking the warehouse \N{HORIZONTAL ELLIPSIS}"))
    try:
        answer = read()
    except HeadwaterError as error:
        last = st.session_state.get("last_answer_at")
        st.html(blocks.outage(error, now, last, reading.zone()))
        return None
    finally:
        place.empty()
        st.session_state["was_told"] = True
    st.session_state["last_answer_at"] = now
    return answer
