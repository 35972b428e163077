"""Lists of tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import streamlit as st

from segue.client.generated.shapes import Item, TrackShown
from ui.parts.navigation import go_to
from ui.views.markup import facts, line
from ui.views.reasons import why
from ui.views.text import by, plain

SONG = "song"
"""The parameter of a page's address that names the open song."""


def open_song(track_id: str) -> NoReturn:
    """Show the song's page, at an address that can be sent to somebody."""
    go_to("find", **{SONG: track_id})


def title_button(name: str, artists: Sequence[str], key: str) -> bool:
    """A track's name that can be pressed."""
    return st.button(plain(f"{name} – {by(artists)}"), key=key, type="tertiary")


def found_track(track: TrackShown, key: str) -> bool:
    """A result of a search; True when it was pressed."""
    told = [track.album or "", str(track.year or ""), ", ".join(track.genres)]
    with st.container(gap=None):
        pressed = title_button(track.name, track.artists, key)
        st.html(line(" · ".join(part for part in told if part)))
    return pressed


def recommended(item: Item, place: int, key: str, beneath: Callable[[], None] | None = None) -> bool:
    """A recommended track with its reason, and `beneath` the reason what else can be said; True when its name was pressed."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(gap=None, width="stretch"):
            pressed = title_button(f"{place}. {item.name}", item.artists, f"{key}-open")
            st.html(line(item.reason.text))
        with st.popover("Why this?", key=f"{key}-why", type="tertiary"):
            st.html(facts(why(item)))
            if beneath is not None:
                beneath()
    return pressed
