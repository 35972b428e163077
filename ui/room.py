"""The pages of the room and how one gets from one to another."""

from __future__ import annotations

import streamlit as st

from ui.asking import key_form
from ui.pages.find import find_page

TITLE = "Segue"
STYLE = """<style>
button[kind="tertiary"] { justify-content: flex-start; text-align: left; }
.stHtml dl { padding: 0; }
</style>"""
"""Names of tracks are buttons, and read like the lines of a list."""


def room() -> None:
    """The page that the address names."""
    st.set_page_config(page_title=f"{TITLE}: the listening room", layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    pages = [st.Page(find_page, title="Find", icon=":material/search:", url_path="find", default=True)]
    page = st.navigation(pages, position="top")
    with st.sidebar:
        key_form()
    page.run()
