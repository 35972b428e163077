"""`DELETE /users/{user_id}`, its receipts, and `GET /users/{user_id}/export`: one's own data as a whole."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api import examples
from api.access.needs import OWN_DELETION, OWN_EXPORT, needs
from api.bounds import going_on_of
from api.exports import ExportResponse, Form
from api.listener_schemas import DeletionShown, ExportShown
from api.responses import json_response
from api.schemas import documented
from api.services import Services
from segue.events import check_id
from segue.stores.postgres.deletions import Receipt

EXPORTED = documented(ExportShown, examples.EXPORT)
EXPORTED[200]["content"]["application/zip"] = {"schema": {"type": "string", "format": "binary"}}


def router(services: Services) -> APIRouter:
    """The routes of a listener's own data as a whole."""
    routes = APIRouter(tags=["users"])

    @routes.delete("/users/{user_id}", responses=documented(DeletionShown, examples.DELETION, 202), status_code=202)
    @needs(OWN_DELETION)
    async def delete_user(user_id: str) -> Response:
        """Delete everything about a user. 202: it is in Kafka for good, and the receipt at `Location` says when it is done.

        Send it again whenever the outcome is unclear. Later events of the user are refused; keys of their own end with it.
        """
        check_id("user_id", user_id)
        receipt = await services.deletions.delete(user_id)
        where = f"/users/{quote(user_id, safe='')}/deletions/{receipt.receipt_id}"
        return json_response(shown(user_id, receipt), 202, {"Location": where})

    @routes.get("/users/{user_id}/deletions/{receipt_id}", responses=documented(DeletionShown, examples.DELETION))
    @needs(OWN_DELETION)
    async def get_deletion(user_id: str, receipt_id: uuid.UUID) -> Response:
        """The receipt of a deletion: what was found, whether it is done, and what remains for how long."""
        check_id("user_id", user_id)
        return json_response(shown(user_id, await services.deletions.receipt(user_id, receipt_id)))

    @routes.get("/users/{user_id}/export", responses=EXPORTED)
    @needs(OWN_EXPORT)
    async def export_user(request: Request, user_id: str, format: Form = "json") -> Response:  # noqa: A002
        """Everything that is stored about a user, as of one moment: profile, events, totals by track, blocks, playlists,
        keys, imports.

        JSON is sent while it is read, however long it is; an answer that breaks off before its last brace is not whole.
        `parquet`: a zip archive with a Parquet file for each of these, sent when all of it is made.
        """
        check_id("user_id", user_id)
        gone, going_on = request.is_disconnected, going_on_of(request)
        return ExportResponse(await services.exports.begin(user_id, format, gone, going_on))

    return routes


def shown(user_id: str, receipt: Receipt) -> DeletionShown:
    """A receipt as answers show it."""
    return DeletionShown(
        str(receipt.receipt_id), user_id, "pending" if receipt.done_at is None else "done", receipt.requested_at, receipt.done_at,
        receipt.found, receipt.remains,
    )  # fmt: skip
