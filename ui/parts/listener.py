"""Who listens: chosen, or new."""

from __future__ import annotations

import streamlit as st

from segue.errors import SegueError
from ui.asking import segue, show_failure
from ui.views.failures import failure_of
from ui.views.ids import is_id
from ui.views.markup import line
from ui.visit import LAST, LISTENER, Listening, known_listeners, listening

MAX_NAMED = 50
GENRES = 500


def choose_listener() -> Listening | None:
    """The listener whom the address or the visitor names; None before that."""
    named = st.query_params.get(LISTENER) or st.session_state.get(LAST, "")
    if named and is_id(named):
        listening(named)
    options = list(known_listeners())
    chosen = st.selectbox(
        "Listener",
        options,
        index=options.index(named) if named in options else None,
        accept_new_options=True,
        placeholder="Type an id: one that plays already, or a new one",
        key="who",
    )
    if chosen is None:
        st.html(line("An id that nobody has used before is a new listener. The demo's are listener-00001 and on."))
        return None
    if not is_id(chosen):
        st.html(line("This cannot be an id: use letters, digits and signs, without control characters, up to 255 bytes."))
        return None
    st.query_params[LISTENER] = st.session_state[LAST] = chosen
    return listening(chosen)


def newcomer(who: Listening) -> None:
    """What a new listener likes: it leads the first answers, until there are plays."""
    with st.expander("New here? Say what you like", icon=":material/person_add:"):
        try:
            genres = [one.name for one in segue().get_genres(limit=GENRES).items]
        except SegueError as error:
            show_failure(failure_of(error))
            return
        who.genres = st.multiselect(
            "Genres", genres, default=[g for g in who.genres if g in genres], max_selections=MAX_NAMED, key=f"g-{who.user_id}"
        )
        who.artists = st.multiselect(
            "Artists", who.artists, default=who.artists, accept_new_options=True, max_selections=MAX_NAMED,
            placeholder="Type names as the catalogue has them", key=f"a-{who.user_id}",
        )  # fmt: skip
