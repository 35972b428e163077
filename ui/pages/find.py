"""Find: search as one types, a song's facts and sound, and songs like it."""

from __future__ import annotations

import streamlit as st

from segue.client.generated.shapes import AudioShown
from ui.asking import segue, told
from ui.parts.steering import steering
from ui.parts.tracks import SONG, found_track, open_song, recommended
from ui.views.ids import is_id
from ui.views.markup import facts, line, title
from ui.views.reasons import remarks
from ui.views.song import radar, radar_words, song_facts, sound_rows

RESULTS = 8
MORE_RESULTS = 50
MAX_TYPED = 200
SIMILAR = 10
DEBOUNCE = "200ms"


def find_page() -> None:
    """The search on one side, the open song on the other."""
    st.title("Find")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _search()
    with right:
        track_id = st.query_params.get(SONG)
        if track_id is None:
            st.html(line("Choose a song to see how it sounds and what is like it."))
        elif not is_id(track_id):
            st.html(line("This address names no song: search for one."))
        else:
            _song(track_id)


@st.fragment
def _search() -> None:
    typed = st.text_input(
        "Song, artist or album", type="search", live=DEBOUNCE, max_chars=MAX_TYPED, key="typed", placeholder="Begin to type"
    )
    asked = (typed or "").strip()
    if not asked:
        st.html(line("Beginnings of words are enough, and typing errors are forgiven."))
        return
    limit = MORE_RESULTS if st.session_state.get("more-for") == asked else RESULTS
    with told():
        found = segue().search_tracks(asked, limit=limit)
        if not found.items:
            st.html(line("Nothing in the catalogue matches: try fewer or other words."))
        elif found.forgiven:
            st.html(line("With typing errors forgiven:"))
        for track in found.items:
            if found_track(track, f"found-{track.track_id}"):
                open_song(track.track_id)
        if found.next_cursor and limit == RESULTS:
            st.button("Show more", key="more", on_click=_want_more, args=(asked,))


def _want_more(asked: str) -> None:
    st.session_state["more-for"] = asked


def _song(track_id: str) -> None:
    with told():
        track = segue().get_track(track_id)
        audio = segue().get_audio(track_id)
        st.html(title(track.name, track.artists))
        st.html(facts(song_facts(track, audio.key)))
        _sound(audio)
        st.header("Songs like it")
        _similar(track_id)


def _sound(audio: AudioShown) -> None:
    if audio.features is None:
        st.html(line("How it sounds is not known, so its neighbours come from who hears it."))
        return
    if audio.ranks:
        middle = audio.genre_ranks or {}
        st.echarts_chart(radar(audio.ranks, middle), height=360, key="radar", alt=radar_words(audio.ranks, middle))
    else:
        st.html(line("Where it stands in the catalogue is known as soon as there is a model: `segue train --once` makes one."))
    with st.expander("Sound in numbers"):
        st.table(sound_rows(audio), hide_index=True)


@st.fragment
def _similar(track_id: str) -> None:
    wanted = steering("song")
    with told():
        answer = wanted.similar(segue(), track_id, SIMILAR)
        for remark in remarks(answer.notes, answer.degraded):
            st.html(line(remark))
        for place, item in enumerate(answer.items, 1):
            if recommended(item, place, f"like-{item.track_id}"):
                open_song(item.track_id)
