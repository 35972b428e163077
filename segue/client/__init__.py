"""A typed client of the HTTP API, blocking and asynchronous.

    with Segue("http://127.0.0.1:8000", key="segue_…") as segue:
        for item in segue.recommend_user("alice", n=5).items:
            print(item.name, item.reason.text)

Methods are named as the operations of docs/openapi.json, from which they are written (`make docs`); `iter_…` walk through all
pages of an answer. Errors are those of `segue.errors`, with status, code and request id (`segue.client.errors`).
"""

from __future__ import annotations

from segue.client.asynchronous import AsyncSegue
from segue.client.blocking import Segue
from segue.client.call import Call
from segue.client.errors import ApiError
from segue.client.events import sent_event
from segue.client.retries import Retries

__all__ = ["ApiError", "AsyncSegue", "Call", "Retries", "Segue", "sent_event"]
