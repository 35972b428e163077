"""A station: one track after the other, each chosen after what became of the one before."""

from __future__ import annotations

import streamlit as st

from segue.client.generated.shapes import Item
from ui.asking import settings
from ui.parts.acts import act_buttons, last_act
from ui.parts.tracks import open_song, recommended
from ui.views.acts import OFFERED, Act
from ui.views.markup import line
from ui.views.reasons import remarks
from ui.views.steering import Steer
from ui.visit import Listening


def station(who: Listening, steer: Steer) -> None:
    """The track that is on now. Raises SegueError."""
    answer = who.ask(steer, 1, exclude=who.station)
    last_act(who)
    for remark in remarks(answer.notes, answer.degraded):
        st.html(line(remark))
    for item in answer.items:
        _on_now(who, item, answer.rec_id)
    st.html(line("What was on before does not come again."))


def _on_now(who: Listening, item: Item, rec_id: str) -> None:
    place = len(who.station) + 1
    with st.container(border=True):
        if recommended(item, place, "on-now"):
            open_song(item.track_id)
        with st.container(horizontal=True):
            heard, skipped = Act.on("play", item, rec_id, 1), Act.on("skip", item, rec_id, 1)
            st.button("Heard it: next track", key="station-play", on_click=_next, args=(who, heard))
            st.button("Skip it", key="station-skip", on_click=_next, args=(who, skipped))
        rest = {kind: label for kind, label in OFFERED.items() if kind not in ("play", "skip")}
        act_buttons(who, item, rec_id, 1, "station", rest)


def _next(who: Listening, act: Act) -> None:
    who.do(act)
    if who.failure is None and act.track_id is not None:
        who.station = [*who.station, act.track_id][-settings().ui_station_tracks :]
