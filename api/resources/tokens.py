"""`POST /tokens`: a token for one listener, for an app that must not hold a key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.callers import KeyHolder, caller_of
from api.access.needs import ISSUE, needs
from api.bodies import read_model
from api.problems import Problem
from api.questions import Id
from api.responses import json_response
from api.schemas import TokenAnswer, documented
from api.services import Services

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/TokenQuestion"},
                "example": {"user_id": "alice", "expires_s": 3600},
            }
        },
    }
}


class TokenQuestion(BaseModel):
    """For whom, and for how long."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id
    expires_s: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Seconds; at most, and by default, SEGUE_API_TOKEN_MAX_S."
    )


def router(services: Services) -> APIRouter:
    """The route of tokens."""
    routes = APIRouter(tags=["access"])
    longest_s = services.settings.api_token_max_s

    @routes.post("/tokens", responses=documented(TokenAnswer, None, 201), openapi_extra=_BODY, status_code=201)
    @needs(ISSUE)
    async def issue_token(request: Request) -> Response:
        """A token that opens this listener's own data and nothing else. It ends with its time, or with the key that issued it."""
        question = await read_model(request, TokenQuestion, services.settings.max_body_bytes)
        caller = caller_of(request)
        if not isinstance(caller, KeyHolder):
            raise Problem(409, "keys_not_required", "this service asks for no keys, so a token would open nothing more")
        life_s = longest_s if question.expires_s is None else min(question.expires_s, longest_s)
        issued = services.tokens.issue(question.user_id, caller.key, life_s)
        return json_response(TokenAnswer(issued.token, question.user_id, issued.expires_at), 201)

    return routes
