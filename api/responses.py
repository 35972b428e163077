"""JSON answers, encoded by msgspec: about a tenth of what FastAPI's own encoder costs."""

from __future__ import annotations

import msgspec
from fastapi import Response

_encoder = msgspec.json.Encoder()


def json_response(answer: object, status: int = 200) -> Response:
    """The answer as an HTTP response."""
    return Response(_encoder.encode(answer), status, media_type="application/json")
