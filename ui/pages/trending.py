"""Trending: what is heard now, and what rises."""

from __future__ import annotations

import streamlit as st

from ui.asking import segue, told
from ui.parts.steering import offered
from ui.parts.tracks import open_song, title_button
from ui.views.markup import line
from ui.views.reasons import remarks
from ui.views.steering import Mood
from ui.views.trending import ORDERS, WINDOWS, Order, Window, age, standing

SHOWN = 50


def trending_page() -> None:
    """A chart by window, order, genre and mood."""
    st.title("Trending")
    genres, moods = offered()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.segmented_control(
            "Within the last", list(WINDOWS), default="24h", required=True, format_func=lambda name: WINDOWS[name], key="window"
        )
        order = st.segmented_control(
            "By", list(ORDERS), default="top", required=True, format_func=lambda name: ORDERS[name], key="order"
        )
    wanted = st.multiselect("Any of these genres", genres, key="trending-genres", placeholder="All genres")
    felt = st.pills("Any of these moods", moods, selection_mode="multi", key="trending-moods")
    with told():
        _chart(window, order, wanted, felt)


def _chart(window: Window, order: Order, genres: list[str], moods: list[Mood]) -> None:
    chart = segue().get_trending(window=window, order=order, genre=genres or None, mood=moods or None, limit=SHOWN)
    st.html(line(age(chart.counted_at)))
    for remark in remarks(chart.notes, chart.degraded):
        st.html(line(remark))
    for track in chart.items:
        with st.container(gap=None):
            if title_button(f"{track.place}. {track.name}", track.artists, f"chart-{track.track_id}"):
                open_song(track.track_id)
            st.html(line(standing(track)))
