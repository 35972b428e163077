"""What a listener shut out, and the way to let it in again."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.asking import segue
from ui.views.acts import Act
from ui.views.markup import line, title
from ui.visit import Listening


def shut_out(who: Listening) -> None:
    """Blocked tracks and artists, each with a button. Raises SegueError."""
    blocks = segue().get_blocks(who.user_id, min_event_id=who.last_event_id)
    with st.expander("Shut out", icon=":material/block:", key="shut-out"):
        if not blocks.tracks and not blocks.artists:
            st.html(line("Nothing: “Block” and “Not now” on a track, and “Nothing of …” behind “Why this?”, shut out."))
        for number, track in enumerate(blocks.tracks):
            st.html(title(track.name, track.artists))
            _let_in(who, Act("unblock", track.track_id, track.name), track.until, f"in-track-{number}")
        for number, artist in enumerate(blocks.artists):
            st.html(line(artist.artist))
            _let_in(who, Act("unblock_artist", None, artist.artist), artist.until, f"in-artist-{number}")


def _let_in(who: Listening, act: Act, until: datetime | None, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Let it in again", key=key, type="tertiary", icon=":material/undo:", on_click=who.do, args=(act,))
        st.html(line("for good" if until is None else f"until {until:%Y-%m-%d}"), width="content")
