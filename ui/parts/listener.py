"""Who listens: chosen, or new."""

from __future__ import annotations

import streamlit as st

from segue.ids import MAX_ID_BYTES
from ui.parts.steering import offered
from ui.views.ids import is_id
from ui.views.markup import line
from ui.views.text import plain
from ui.visit import LAST, LISTENER, Listening, known_listeners, listening

MAX_NAMED = 50
WHO = "who"


def choose_listener() -> Listening | None:
    """The listener whom the visitor or the address names; None before that."""
    st.session_state.setdefault(WHO, st.query_params.get(LISTENER) or st.session_state.get(LAST, ""))
    chosen = st.text_input("Listener", key=WHO, max_chars=MAX_ID_BYTES, placeholder="An id", autocomplete="username").strip()
    _others(chosen)
    if not chosen:
        st.html(
            line("Type the id of a listener; one that nobody has used before is a new one. The demo's are listener-00001 and on.")
        )
        return None
    if not is_id(chosen):
        st.html(line(f"This cannot be an id: use letters, digits and signs, {MAX_ID_BYTES} bytes at most."))
        return None
    st.query_params[LISTENER] = st.session_state[LAST] = chosen
    return listening(chosen)


def _others(chosen: str) -> None:
    """Listeners of this visit, to change back to."""
    with st.container(horizontal=True):
        for user_id in known_listeners():
            if user_id != chosen:
                st.button(plain(user_id), key=f"who-{user_id}", icon=":material/person:", on_click=_change_to, args=(user_id,))


def _change_to(user_id: str) -> None:
    st.session_state[WHO] = user_id


def newcomer(who: Listening) -> None:
    """What a new listener likes: it leads the first answers, until there are plays."""
    with st.expander("New here? Say what you like", icon=":material/person_add:"):
        genres, _ = offered()
        who.genres = st.multiselect(
            "Genres", genres, default=[g for g in who.genres if g in genres], max_selections=MAX_NAMED, key=f"g-{who.user_id}"
        )
        who.artists = st.multiselect(
            "Artists", who.artists, default=who.artists, accept_new_options=True, max_selections=MAX_NAMED,
            placeholder="Type names as the catalogue has them", key=f"a-{who.user_id}",
        )  # fmt: skip
