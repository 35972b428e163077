"""Changes that a click makes, outside of what a listener says about tracks."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from segue.errors import SegueError
from ui.asking import show_failure
from ui.views.failures import Failure, failure_of
from ui.views.markup import line

_FAILURE, _DONE = "change-failed", "change-done"


def change(what: Callable[[], object], done: str) -> bool:
    """Try it, for a callback; `outcome` tells on the page that follows. Whether it went well."""
    try:
        what()
    except SegueError as error:
        st.session_state[_FAILURE] = failure_of(error)
        return False
    st.session_state[_DONE] = done
    return True


def outcome() -> None:
    """What became of the last change, once."""
    failure, done = st.session_state.pop(_FAILURE, None), st.session_state.pop(_DONE, None)
    # Always there, if empty: what stands below would lose its place, and close what is open, when the words go.
    with st.container():
        if isinstance(failure, Failure):
            show_failure(failure)
        elif done:
            st.html(line(str(done)))
