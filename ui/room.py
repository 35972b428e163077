"""The pages of the room and how one gets from one to another."""

from __future__ import annotations

import streamlit as st

from ui.asking import key_form
from ui.pages.find import find_page
from ui.pages.for_you import for_you_page
from ui.pages.playlists import playlists_page
from ui.pages.trending import trending_page
from ui.pages.under_the_hood import under_the_hood_page
from ui.parts.navigation import remember

STYLE = """<style>
button[kind="tertiary"] { justify-content: flex-start; text-align: left; }
.stHtml dl { padding: 0; }
.stHtml, button p { overflow-wrap: anywhere; }
.stMainBlockContainer { padding-top: 4.5rem; }
</style>"""
"""Names of tracks are buttons, and read like the lines of a list."""


def room() -> None:
    """The page that the address names. Pages have no icon: a browser would fetch it from a server on the internet."""
    st.set_page_config(page_title="Segue: the listening room", layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    pages = {
        "find": st.Page(find_page, title="Find", url_path="find", default=True),
        "for-you": st.Page(for_you_page, title="For you", url_path="for-you"),
        "playlists": st.Page(playlists_page, title="Playlists", url_path="playlists"),
        "trending": st.Page(trending_page, title="Trending", url_path="trending"),
        "under-the-hood": st.Page(under_the_hood_page, title="Under the hood", url_path="under-the-hood"),
    }
    remember(pages)
    page = st.navigation(list(pages.values()), position="top")
    with st.sidebar:
        key_form()
    page.run()
