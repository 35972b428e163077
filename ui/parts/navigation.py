"""The way from one page to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = "pages"
"""Where a visit keeps its pages by name; empty where one page stands alone."""


def remember(pages: Mapping[str, StreamlitPage]) -> None:
    """The pages that `go_to` knows."""
    st.session_state[PAGES] = pages


def go_to(page: str, **parameters: str) -> NoReturn:
    """Show a page at an address with these parameters."""
    known: Mapping[str, StreamlitPage] = st.session_state.get(PAGES, {})
    if page in known:
        st.switch_page(known[page], query_params=parameters)
    st.query_params.from_dict(parameters)
    st.rerun()
