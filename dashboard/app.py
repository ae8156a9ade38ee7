"""`streamlit run dashboard/app.py`: the pages, under one header.

The pages lie beside this file, not in a folder called `pages`: Streamlit would serve that one's
files by themselves, without this frame, to whoever comes first.
"""

from pathlib import Path

import streamlit as st

from contracts.errors import UserError
from dashboard import blocks, reading

HERE = Path(__file__).parent
MARK = str(HERE / "mark.svg")

st.set_page_config(
    page_title="Headwater", page_icon=MARK, layout="wide", initial_sidebar_state="collapsed"
)
st.html(HERE / "style.css")
st.logo(MARK, size="large")
page = st.navigation(
    [
        st.Page(HERE / "live.py", title="Live", default=True),
        st.Page(HERE / "coverage.py", title="Coverage", url_path="coverage"),
        st.Page(HERE / "matches.py", title="Matches", url_path="matches"),
        st.Page(HERE / "investments.py", title="Investments", url_path="investments"),
        st.Page(HERE / "plan.py", title="Plan", url_path="plan"),
    ],
    position="top",
)
try:
    reading.company()
except UserError as error:
    st.html(blocks.empty("The settings can't be read", blocks.Advice(str(error))))
else:
    page.run()
