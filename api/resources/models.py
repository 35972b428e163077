"""`/models`: the registry, and which model answers."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.access.needs import ADMIN, READ, needs
from api.responses import json_response
from api.schemas import ModelsAnswer, ModelShown, documented
from api.services import Services
from segue.events import check_id
from segue.stores.postgres.models import RegisteredModel


def router(services: Services) -> APIRouter:
    """The routes of models; rollback stands first, or Allow would tell of /models/{version}."""
    routes = APIRouter(tags=["models"])

    @routes.get("/models", responses=documented(ModelsAnswer))
    @needs(READ)
    async def get_models() -> Response:
        """Every model of the registry, newest first, with what it was made from and how it did."""
        return json_response(await _registry(services))

    @routes.post("/models/rollback", responses=documented(ModelsAnswer))
    @needs(ADMIN)
    async def roll_back() -> Response:
        """Retire the champion and go back to the newest older model that was promoted."""
        await services.postgres.run(services.models.rollback)
        return json_response(await _registry(services))

    @routes.get("/models/{version}", responses=documented(ModelShown))
    @needs(READ)
    async def get_model(version: str) -> Response:
        """One model."""
        check_id("version", version)
        return json_response(_shown(services, await services.postgres.run(services.models.get, version)))

    @routes.post("/models/{version}/promote", responses=documented(ModelsAnswer))
    @needs(ADMIN)
    async def promote_model(version: str) -> Response:
        """Make this model the champion; every process swaps it in within SEGUE_API_POLL_S and the time that loading takes."""
        check_id("version", version)
        await services.postgres.run(services.models.promote, version)
        return json_response(await _registry(services))

    return routes


async def _registry(services: Services) -> ModelsAnswer:
    models = await services.postgres.run(services.models.list)
    champion = next((model.version for model in models if model.champion), None)
    return ModelsAnswer(champion, _serving(services), tuple(_shown(services, model) for model in models))


def _shown(services: Services, model: RegisteredModel) -> ModelShown:
    manifest = model.manifest
    return ModelShown(
        model.version, model.created_at, model.verdict, model.champion, model.version == _serving(services),
        manifest.get("parameters", {}), manifest.get("metrics", {}),
    )  # fmt: skip


def _serving(services: Services) -> str | None:
    return services.model.served.version if services.model.served else None
