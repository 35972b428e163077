"""Under the hood: what runs, how fresh answers are, which model gives them, and what was set aside."""

from __future__ import annotations

import streamlit as st

from ui.asking import segue, told
from ui.parts.changes import change, outcome
from ui.views.markup import facts, line, table
from ui.views.operations import dependency_rows, freshness, lag_rows, letter_rows, model_rows, status_facts

EVERY_S = 5
LETTERS = 50


def under_the_hood_page() -> None:
    """What an operator looks at; where keys are required, most of it needs one with the scope admin."""
    st.title("Under the hood")
    outcome()
    _now()
    st.header("Models")
    with told():
        _models()
    st.header("Dead letters")
    with told():
        _letters()


@st.fragment(run_every=EVERY_S)
def _now() -> None:
    with told():
        status = segue().get_status()
        st.html(facts(status_facts(status)))
        left, right = st.columns(2, gap="large")
        with left:
            st.html(table("Servers", ("Server", "Status", "Because, or with"), dependency_rows(status.dependencies)))
        with right:
            if status.lag is None:
                st.html(line("Kafka does not answer, so nobody knows how far behind the processors are."))
            else:
                st.html(table("Not processed yet", ("Topic", "Records"), lag_rows(status.lag)))
            st.html(line(freshness(segue().metrics())))


def _models() -> None:
    models = segue().get_models()
    if not models.items:
        st.html(line("There is no model yet: `segue train --once` makes the first; until then what is popular is answered."))
        return
    columns = ("Version", "Made (UTC)", "State", "NDCG@20", "Recall@20")
    st.html(table("Models, newest first", columns, model_rows(models.items)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        version = st.selectbox("Version", [one.version for one in models.items], key="version")
        with st.popover("Promote", icon=":material/arrow_upward:"):
            st.html(line("Every API process swaps it in within moments."))
            st.button("Make it the champion", key="promote", on_click=_promote, args=(version,))
        with st.popover("Roll back", icon=":material/undo:"):
            st.html(line("The champion is retired, and the one before it answers again."))
            st.button("Retire the champion", key="rollback", on_click=_roll_back)


def _promote(version: str) -> None:
    change(lambda: segue().promote_model(version), f"{version} is the champion.")


def _roll_back() -> None:
    change(lambda: segue().roll_back(), "The champion is retired.")


def _letters() -> None:
    letters = segue().get_dead_letters(limit=LETTERS).items
    if not letters:
        st.html(line("Nothing was set aside."))
        return
    st.html(table("Dead letters, newest first", ("First seen (UTC)", "Topic", "Error", "Message"), letter_rows(letters)))
    st.html(line("`segue events dead-letters --show ID` has the bytes; `segue events redrive` sends them back after a fix."))
