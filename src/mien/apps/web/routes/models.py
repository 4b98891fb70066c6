"""`/api/v1/models`: the networks, the consent notice, and the weights for use in a browser."""

import dataclasses
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import FileResponse, Response

from mien import __version__
from mien.apps.web.context import EngineNeeded
from mien.apps.web.problems import ProblemError, responses
from mien.apps.web.schemas import ConsentNotice, Model, Models
from mien.runtime.artifact import Card, read_cards, weights_folder

__all__ = ["router", "weights"]

router = APIRouter(tags=["models"])
weights = APIRouter(include_in_schema=False)


@router.head("/models", include_in_schema=False)
@router.get("/models", responses=responses(401, 421, 503))
async def models(engine: EngineNeeded) -> Models:
    """List the weights in use, the consent notice and the limits."""
    settings = engine.settings
    return Models(
        version=__version__,
        models=[_model(card) for card in engine.analyzer.parts.cards],
        consent=ConsentNotice(**settings.consent.model_dump()),
        live_fps=settings.live_fps,
        max_upload=settings.max_upload,
        keep_s=settings.keep_s,
    )


@weights.head("/weights/{file}", include_in_schema=False)
@weights.get("/weights/{file}")
async def weight_file(
    file: str,
    engine: EngineNeeded,
    v: str = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Send a weight file; its listed address changes with its content."""
    card = next((one for one in engine.analyzer.parts.cards if one.file == file), None)
    if card is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "there are no such weights; see /api/v1/models")
    headers = {"ETag": f'"{card.sha256}"', "Cache-Control": "private, no-cache"}
    if v:
        # A page that was opened before an update has the cards of other weights.
        if v != _version(card):
            raise ProblemError(HTTPStatus.NOT_FOUND, "the weights have changed; reload the page")
        headers["Cache-Control"] = "private, max-age=31536000, immutable"
    if card.sha256 in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    folder = weights_folder(engine.analyzer.config.weights)
    if card not in read_cards(folder):
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the weights have changed since the server started; start it again",
        )
    return FileResponse(folder / file, media_type="application/octet-stream", headers=headers)


def _version(card: Card) -> str:
    return card.sha256[:12]


def _model(card: Card) -> Model:
    return Model(url=f"/weights/{card.file}?v={_version(card)}", **dataclasses.asdict(card))
