"""The client's methods and shapes are what the OpenAPI document says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segue.client.asynchronous import AsyncSegue
from segue.client.blocking import Segue
from segue.client.call import path_of
from segue.client.writer import NOT_FOR_CLIENTS, annotation, written


def test_the_files_are_what_the_document_says(project_root: Path) -> None:
    document = json.loads((project_root / "docs/openapi.json").read_text("utf-8"))
    folder = project_root / "segue/client/generated"
    stored = {path.name: path.read_text("utf-8") for path in folder.glob("[a-z]*.py")}
    assert stored == written(document), "run `make docs` and commit what it writes"


@pytest.mark.parametrize("client", [Segue, AsyncSegue])
def test_every_operation_is_a_method(client: type, project_root: Path) -> None:
    paths = json.loads((project_root / "docs/openapi.json").read_text("utf-8"))["paths"]
    names = {
        operation["operationId"]
        for path, item in paths.items()
        if not path.startswith(NOT_FOR_CLIENTS)
        for operation in item.values()
    }
    assert {name for name in names if not callable(getattr(client("http://segue.test"), name))} == set()
    assert {"recommend_user", "post_events", "search_tracks", "get_history"} <= names


@pytest.mark.parametrize(
    ("schema", "asked", "answered"),
    [
        ({"type": "string"}, "str", "str"),
        ({"type": "string", "format": "date-time"}, "datetime", "datetime"),
        ({"type": "string", "format": "uuid"}, "UUID", "UUID"),
        ({"enum": ["happy", "sad"]}, "Literal['happy', 'sad']", "str"),
        ({"const": 1}, "Literal[1]", "int"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "int | None", "int | None"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Item"}}, "Sequence[Item]", "tuple[Item, ...]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Mapping[str, float]", "Mapping[str, float]"),
        ({"type": "object"}, "Mapping[str, Any]", "Mapping[str, Any]"),
        ({}, "Any", "Any"),
    ],
)
def test_the_type_of_a_schema(schema: dict[str, Any], asked: str, answered: str) -> None:
    assert (annotation(schema, asked=True), annotation(schema, asked=False)) == (asked, answered)


def test_a_name_that_python_cannot_have_is_refused() -> None:
    operation = {
        "operationId": "get_it",
        "parameters": [{"in": "query", "name": "from", "schema": {}}],
        "responses": {"200": {"content": {}}},
    }
    with pytest.raises(ValueError, match="'from' cannot be a name in Python"):
        written({"paths": {"/it": {"get": operation}}, "components": {"schemas": {}}})


def test_an_id_stays_in_its_place() -> None:
    assert path_of("/users/{user_id}/taste", user_id="a/b?c#d é") == "/users/a%2Fb%3Fc%23d%20%C3%A9/taste"


@pytest.mark.parametrize("user_id", [".", ".."])
def test_an_id_that_a_path_cannot_carry_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match="user_id"):
        path_of("/users/{user_id}", user_id=user_id)
