"""Playlists: made, changed, continued, and taken along."""

from __future__ import annotations

import streamlit as st

from segue.client.generated.shapes import PlaylistShown
from segue.ids import uuid7
from ui.asking import segue, told
from ui.parts.changes import change, outcome
from ui.parts.listener import choose_listener
from ui.parts.playlist import open_playlist
from ui.views.ids import is_id
from ui.views.markup import line
from ui.views.playlists import brief
from ui.views.text import plain
from ui.visit import Listening

PLAYLIST = "playlist"
"""The parameter of the page's address that names the open playlist."""
LISTED = 200
MAX_NAME = 200


def playlists_page() -> None:
    """A listener's playlists on one side, the open one on the other."""
    st.title("Playlists")
    who = choose_listener()
    if who is None:
        return
    outcome()
    left, right = st.columns([1, 2], gap="large")
    with left:
        _make(who)
        with told():
            _list(who)
    with right:
        playlist_id = st.query_params.get(PLAYLIST)
        if playlist_id is None:
            st.html(line("Choose a playlist, or make one."))
        elif not is_id(playlist_id):
            st.html(line("This address names no playlist: choose one."))
        else:
            _open(playlist_id)


def _make(who: Listening) -> None:
    # Made with an id of its own, so that a click that is sent twice makes one playlist.
    fresh = st.session_state.setdefault("fresh-playlist", str(uuid7()))
    with st.form("make", clear_on_submit=True):
        st.text_input("New playlist", key="new-name", max_chars=MAX_NAME, placeholder="Name")
        st.form_submit_button("Make it", icon=":material/add:", on_click=_made, args=(who.user_id, fresh))


def _made(owner_id: str, playlist_id: str) -> None:
    name = str(st.session_state["new-name"]).strip()
    if name and change(lambda: segue().create_playlist(name, playlist_id=playlist_id, owner_id=owner_id), f"Made “{name}”."):
        del st.session_state["fresh-playlist"]
        st.query_params[PLAYLIST] = playlist_id


def _list(who: Listening) -> None:
    page = segue().get_playlists(who.user_id, limit=LISTED)
    if not page.items:
        st.html(line("No playlists yet."))
    for playlist in page.items:
        st.button(
            plain(brief(playlist)),
            key=f"open-{playlist.playlist_id}",
            type="tertiary",
            on_click=st.query_params.update,
            args=({PLAYLIST: playlist.playlist_id},),
        )
    if page.next_cursor:
        st.html(line(f"These are the oldest {LISTED}; the API lists the others."))


def _open(playlist_id: str) -> None:
    with told():
        playlist: PlaylistShown = segue().get_playlist(playlist_id)
        if open_playlist(playlist):
            del st.query_params[PLAYLIST]
            st.rerun()
