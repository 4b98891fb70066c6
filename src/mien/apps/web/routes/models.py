"""`/api/v1/models`: what reads, how it may be used, and the weights for reading in a browser."""

import dataclasses
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from mien import __version__
from mien.apps.web.context import EngineNeeded, SettingsNeeded
from mien.apps.web.problems import ProblemError, responses
from mien.apps.web.schemas import Model, Models, Notice
from mien.pipeline.provenance import cards_used, folder_used
from mien.runtime.artifact import Card

__all__ = ["router", "weights"]

router = APIRouter(tags=["models"])
weights = APIRouter(include_in_schema=False)


@router.get("/models", responses=responses(401, 421, 503))
async def models(engine: EngineNeeded, settings: SettingsNeeded) -> Models:
    """List the weights that readings are made with, the notice and the limits."""
    return Models(
        version=__version__,
        models=[_model(card) for card in cards_used(engine.analyzer.config)],
        consent=Notice(version=settings.consent.version, text=settings.consent.text),
        live_fps=settings.live_fps,
        max_upload=settings.max_upload,
    )


@weights.get("/weights/{file}")
async def weight_file(file: str, engine: EngineNeeded) -> Response:
    """Send one of the weight files that are listed; its address changes with its content."""
    if file not in {card.file for card in cards_used(engine.analyzer.config)}:
        raise ProblemError(HTTPStatus.NOT_FOUND, "there are no such weights; see /api/v1/models")
    return FileResponse(
        folder_used(engine.analyzer.config) / file,
        media_type="application/octet-stream",
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


def _model(card: Card) -> Model:
    return Model(url=f"/weights/{card.file}?v={card.sha256[:12]}", **dataclasses.asdict(card))
