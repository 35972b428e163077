"""docs/openapi.json is what the app says of itself, and clients can be made from it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from api.access.needs import need_of
from api.app import create_app
from api.openapi import rendered
from api.routes import routes_of
from tests.unit.api.conftest import World
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import CATALOGUE


@pytest.fixture(scope="module")
def app() -> FastAPI:
    with ThreadPoolExecutor(1) as executor:
        return create_app(World(FakePostgres(CATALOGUE)).services(executor))


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_file_is_what_the_app_says(app: FastAPI, project_root: Path) -> None:
    assert (project_root / "docs/openapi.json").read_text("utf-8") == rendered(app), "run `make docs` and commit what it writes"


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for operation in operations(document))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_operation_says_who_may_ask(app: FastAPI, document: dict[str, Any]) -> None:
    needs = {route.name: need_of(route) for route in routes_of(app)}
    for operation in operations(document):
        need = needs[operation["operationId"]]
        assert need is not None
        assert operation["security"] == ([] if need.key is None else [{"bearer": []}, {"api_key": []}])
        assert operation.get("x-segue-scopes", {}).get("key") == need.key


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.validator_for(schema | {"components": document["components"]})
        assert schema.get("type") == "object", name


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    names = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names - set(document["components"]["schemas"]) == set()
    assert len(names) > 40
