"""The controls that steer an answer; genres and moods are those that the API offers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import cast

import streamlit as st

from segue.errors import SegueError
from ui.asking import segue, show_failure
from ui.views.failures import failure_of
from ui.views.steering import Mood, Span, Steer

GENRES = 500
EXPLICIT = {"All": None, "Not explicit": False, "Explicit only": True}
TEMPO = (40, 240)
"""Beats per minute at the ends of the slider; an end that is left where it is bounds nothing."""
FIRST_YEAR = 1900
KEPT_S = 30.0
"""Genres and moods change with the catalogue only, and every movement of a slider would ask for them."""
_OFFERED = "offered"


def steering(key: str) -> Steer:
    """The steering that the visitor chose; `key` tells several sets of controls apart."""
    with st.expander("Narrow and steer", icon=":material/tune:"):
        genres, moods = offered()
        left, right = st.columns(2)
        with left:
            wanted = st.multiselect("Any of these genres", genres, key=f"{key}-genres", placeholder="All genres")
            unwanted = st.multiselect("None of these genres", genres, key=f"{key}-not", placeholder="None excluded")
            felt = st.pills("Any of these moods", moods, selection_mode="multi", key=f"{key}-moods")
            explicit = st.segmented_control("Explicit", list(EXPLICIT), default="All", required=True, key=f"{key}-explicit")
            years = _years(key)
        with right:
            energy = st.slider("Energy", 0.0, 1.0, (0.0, 1.0), 0.05, key=f"{key}-energy")
            tempo = st.slider("Tempo in beats per minute", *TEMPO, TEMPO, 5, key=f"{key}-tempo")
            adventure = st.slider("Familiar (0) to discovery (1)", 0.0, 1.0, 0.5, 0.1, key=f"{key}-adventure")
            strength = st.slider("As ranked (0) to varied (1)", 0.0, 1.0, 0.1, 0.1, key=f"{key}-variety")
    return Steer(
        genres=wanted,
        exclude_genres=unwanted,
        moods=felt,
        years=years,
        explicit=EXPLICIT[explicit],
        energy=Span(*energy).within(0.0, 1.0),
        tempo=Span(*tempo).within(*TEMPO),
        adventurousness=adventure,
        diversity=strength,
    )


def _years(key: str) -> Span:
    this_year = datetime.now(UTC).year
    first, last = st.columns(2)
    least = first.number_input("From year", FIRST_YEAR, this_year, None, 1, key=f"{key}-from", placeholder="any")
    most = last.number_input("To year", FIRST_YEAR, this_year, None, 1, key=f"{key}-to", placeholder="any")
    return Span(least, most)


def offered() -> tuple[list[str], list[Mood]]:
    """Genres, most tracks first, and moods; none of them while the API does not answer, which is said."""
    found, asked_s = st.session_state.get(_OFFERED, (([], []), -KEPT_S))
    if time.monotonic() - asked_s >= KEPT_S:
        try:
            found = _asked_for()
        except SegueError as error:
            show_failure(failure_of(error))
            return [], []
        st.session_state[_OFFERED] = found, time.monotonic()
    return cast("tuple[list[str], list[Mood]]", found)


def _asked_for() -> tuple[list[str], list[str]]:
    genres, moods = segue().get_genres(limit=GENRES).items, segue().get_moods().items
    return [one.name for one in genres], [one.name for one in moods]
