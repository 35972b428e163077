"""Buttons for what one does with a track."""

from __future__ import annotations

import streamlit as st

from segue.client.generated.shapes import Item
from ui.views.acts import ICONS, OFFERED, Act, Kind
from ui.views.markup import line
from ui.views.text import plain
from ui.visit import Listening


def act_buttons(who: Listening, item: Item, rec_id: str, place: int, key: str, kinds: dict[Kind, str] = OFFERED) -> None:
    """One click each; what is shown next knows of it."""
    with st.container(horizontal=True, gap="small"):
        for kind, label in kinds.items():
            st.button(
                label,
                key=f"{key}-{kind}",
                icon=f":material/{ICONS[kind]}:",
                type="tertiary",
                on_click=who.do,
                args=(Act.on(kind, item, rec_id, place),),
            )


def artist_buttons(who: Listening, item: Item, key: str) -> None:
    """A block for each artist of a track."""
    for number, artist in enumerate(item.artists):
        act = Act("block_artist", None, artist)
        icon = f":material/{ICONS[act.kind]}:"
        st.button(
            plain(f"Nothing of {artist}"), key=f"{key}-artist-{number}", icon=icon, type="tertiary", on_click=who.do, args=(act,)
        )


def last_act(who: Listening) -> None:
    """What was done last, how soon an answer knew it, and a way back."""
    if who.said is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            st.html(line(who.said.words()))
        back = who.said.act.back()
        if back is not None:
            st.button("Take it back", key="back", icon=":material/undo:", type="tertiary", on_click=who.do, args=(back,))
        elif who.said.included is False:
            st.button("Look again", key="look", icon=":material/refresh:", type="tertiary")
