"""For you: recommendations of this moment, what one says about them, and how taste moves."""

from __future__ import annotations

from functools import partial

import streamlit as st

from segue.client.generated.shapes import ListenerAnswer
from ui.asking import segue, show_failure, told
from ui.parts.acts import act_buttons, artist_buttons, last_act
from ui.parts.blocks import shut_out
from ui.parts.listener import choose_listener, newcomer
from ui.parts.station import station
from ui.parts.steering import steering
from ui.parts.tracks import open_song, recommended
from ui.views.markup import facts, line
from ui.views.reasons import remarks
from ui.views.steering import Steer
from ui.views.taste import taste_tables, totals
from ui.visit import Listening

SHOWN = 10
TASTES = 6
LIST, STATION = "Recommendations", "Station"


def for_you_page() -> None:
    """Whoever listens, on one page."""
    st.title("For you")
    who = choose_listener()
    if who is None:
        return
    newcomer(who)
    steer = steering("you")
    _listen(who, steer)


@st.fragment
def _listen(who: Listening, steer: Steer) -> None:
    view = st.segmented_control(
        "Listen to", [LIST, STATION], default=LIST, required=True, key="view", label_visibility="collapsed"
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        if who.failure is not None:
            show_failure(who.failure)
        answered = False
        with told():
            if view == STATION:
                station(who, steer)
            else:
                _listed(who, who.ask(steer, SHOWN))
            answered = True
    if not answered:
        # What else is asked would fail the same way, and say so twice more.
        return
    with right:
        with told():
            _taste(who)
        with told():
            shut_out(who)


def _listed(who: Listening, answer: ListenerAnswer) -> None:
    last_act(who)
    for remark in remarks(answer.notes, answer.degraded):
        st.html(line(remark))
    for place, item in enumerate(answer.items, 1):
        key = f"you-{item.track_id}"
        with st.container(border=True, gap="xsmall"):
            if recommended(item, place, key, partial(artist_buttons, who, item, key)):
                open_song(item.track_id)
            act_buttons(who, item, answer.rec_id, place, key)


def _taste(who: Listening) -> None:
    st.header("Your taste")
    taste = segue().get_taste(who.user_id, top=TASTES, min_event_id=who.last_event_id).taste
    who.taste = taste
    if taste is None:
        st.html(line("Nothing is known of it yet: play, like or skip something."))
        return
    st.html(facts(totals(taste)))
    st.html(taste_tables(who.before, taste))
