"""The client of a visit, and what a visitor sees when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from segue.client import Retries, Segue
from segue.errors import SegueError
from segue.settings import Settings, load_settings
from ui.views.failures import Failure, failure_of
from ui.views.markup import line
from ui.views.text import plain

CLIENT = "client"
"""Where a visit keeps a client of its own: with the visitor's key, or of a test."""
TRIES = Retries(attempts=2, longest_wait_s=1.0)
"""Somebody waits: better an error with a button than half a minute of nothing."""


def segue() -> Segue:
    """The client of this visit. Raises ConfigurationError."""
    own = st.session_state.get(CLIENT)
    return own if isinstance(own, Segue) else _of_everybody()


@contextmanager
def told() -> Iterator[None]:
    """Says what went wrong in its place, and what to do, instead of raising a SegueError."""
    try:
        yield
    except SegueError as error:
        show_failure(failure_of(error))


def show_failure(failure: Failure) -> None:
    """The failure in words, with what helps against it."""
    number = st.session_state["failures"] = st.session_state.get("failures", 0) + 1
    with st.container(border=True):
        st.error(plain(failure.title), icon=":material/error:")
        st.html(line(failure.advice))
        if failure.may_pass:
            st.button("Try again", key=f"again-{number}", icon=":material/refresh:")


def key_form() -> None:
    """Where a visitor gives a key of their own; it is kept for the visit and written nowhere."""
    with st.expander("Key", icon=":material/key:"), st.form("key-form", border=False):
        key = st.text_input("Key or token", type="password", help="Only where the API asks for one. Kept for this visit only.")
        if st.form_submit_button("Use it") and key.strip():
            found = settings()
            st.session_state[CLIENT] = Segue(found.api_address(), key.strip(), timeout_s=found.ui_timeout_s, retries=TRIES)
            st.rerun()


@st.cache_resource(show_spinner=False)
def _of_everybody() -> Segue:
    found = settings()
    key = found.ui_key.get_secret_value() if found.ui_key else None
    return Segue(found.api_address(), key, timeout_s=found.ui_timeout_s, retries=TRIES)


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return load_settings()
