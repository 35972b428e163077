"""The open playlist."""

from __future__ import annotations

import streamlit as st

from segue.client.generated.shapes import Item, PlaylistShown, PlaylistTrack
from ui.asking import segue, told
from ui.parts.changes import change
from ui.parts.tracks import open_song, recommended, title_button
from ui.views.markup import line
from ui.views.playlists import EXPORTS, Format, file_name, name_of, page_of, pages, summary
from ui.views.reasons import remarks
from ui.views.text import by, plain

PAGE = 50
MORE = 8
HEARD_OF = 1_000
"""Tracks of a playlist that a continuation is asked from: the newest, as many as the API takes."""
MAX_NAME, MAX_TITLE = 200, 200
RESULTS = 6


def open_playlist(playlist: PlaylistShown) -> bool:
    """All that can be done with it. True once it is deleted. Raises SegueError."""
    st.header(plain(playlist.name))
    st.html(line(summary(playlist)))
    for remark in remarks(playlist.notes, ()):
        st.html(line(remark))
    deleted = _manage(playlist)
    _tracks(playlist)
    _add(playlist)
    _continue(playlist)
    return deleted


def _manage(playlist: PlaylistShown) -> bool:
    with st.container(horizontal=True):
        with st.popover("Rename", icon=":material/edit:"):
            st.text_input("Name", playlist.name, key=f"name-{playlist.playlist_id}", max_chars=MAX_NAME)
            st.button("Rename", key="rename", on_click=_rename, args=(playlist.playlist_id,))
        with st.popover("Take it along", icon=":material/download:"):
            _export(playlist)
        with st.popover("Delete", icon=":material/delete:"):
            st.html(line("It is gone for good; its tracks stay in the catalogue."))
            return st.button("Delete it", key="delete") and change(
                lambda: segue().delete_playlist(playlist.playlist_id), f"Deleted “{playlist.name}”."
            )


def _rename(playlist_id: str) -> None:
    name = str(st.session_state[f"name-{playlist_id}"]).strip()
    if name:
        change(lambda: segue().change_playlist(playlist_id, name=name), f"It is called “{name}” now.")


def _export(playlist: PlaylistShown) -> None:
    chosen: Format | None = st.segmented_control(
        "Format", list(EXPORTS), format_func=lambda name: EXPORTS[name].label, key=f"format-{playlist.playlist_id}"
    )
    if chosen is None:
        return
    export = EXPORTS[chosen]
    with told():
        text = segue().export_playlist(playlist.playlist_id, format=chosen)
        st.download_button("Download", text, file_name(playlist, export), export.mime, key="download", on_click="ignore")


def _tracks(playlist: PlaylistShown) -> None:
    if not playlist.tracks:
        st.html(line("It is empty: add songs below."))
        return
    number = 1
    if (count := pages(len(playlist.tracks), PAGE)) > 1:
        number = st.pagination(count, key=f"page-{playlist.playlist_id}")
    shown = page_of(playlist.tracks, number, PAGE)
    for place, track in enumerate(shown, (number - 1) * PAGE + 1):
        _track(playlist, place, track)


def _track(playlist: PlaylistShown, place: int, track: PlaylistTrack) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch"):
            if title_button(f"{place}. {name_of(track)}", track.artists, f"in-{place}"):
                open_song(track.track_id)
        st.button("Remove", key=f"out-{place}", type="tertiary", on_click=_remove, args=(playlist.playlist_id, track))


def _remove(playlist_id: str, track: PlaylistTrack) -> None:
    change(
        lambda: segue().remove_tracks(playlist_id, track_id=[track.track_id]), f"Removed “{name_of(track)}” wherever it stood."
    )


def _insert(playlist_id: str, track_id: str, name: str) -> None:
    change(lambda: segue().add_tracks(playlist_id, [track_id]), f"Added “{name}”.")


@st.fragment
def _add(playlist: PlaylistShown) -> None:
    typed = st.text_input(
        "Add a song", type="search", live="200ms", max_chars=MAX_TITLE, key="add-typed", placeholder="Begin to type"
    )
    asked = (typed or "").strip()
    if not asked:
        return
    with told():
        for track in segue().search_tracks(asked, limit=RESULTS).items:
            label = plain(f"{track.name} – {by(track.artists)}")
            if st.button(label, key=f"add-{track.track_id}", icon=":material/add:", type="tertiary"):
                _insert(playlist.playlist_id, track.track_id, track.name)
                st.rerun()


def _continue(playlist: PlaylistShown) -> None:
    st.header("What goes on with it")
    track_ids = [track.track_id for track in playlist.tracks][-HEARD_OF:]
    answer = segue().recommend_playlist(tracks=track_ids, title=playlist.name[:MAX_TITLE], n=MORE)
    for remark in remarks(answer.notes, answer.degraded):
        st.html(line(remark))
    for place, item in enumerate(answer.items, 1):
        _suggestion(playlist, place, item)


def _suggestion(playlist: PlaylistShown, place: int, item: Item) -> None:
    key = f"on-{item.track_id}"
    with st.container(border=True, gap="xsmall"):
        if recommended(item, place, key):
            open_song(item.track_id)
        args = (playlist.playlist_id, item.track_id, item.name)
        st.button("Add", key=f"{key}-add", icon=":material/add:", type="tertiary", on_click=_insert, args=args)
