"""Which weights a configuration reads with, as documents state it."""

from typing import Any

from mien.core.errors import ArtifactError
from mien.pipeline.build import DEFAULT_PRECISION, Config
from mien.runtime.artifact import Card, read_cards, weights_folder

__all__ = ["cards_used", "provenance"]


def cards_used(config: Config) -> list[Card]:
    """The cards of the weights that are used, by name.

    Raises:
        ArtifactError: if the configured folder holds none.
    """
    precision = config.precision or DEFAULT_PRECISION
    folder = weights_folder(config.weights)
    there = read_cards(folder)
    if not there:
        raise ArtifactError(f"{folder} holds no model cards; choose a folder with weights")
    cards = {card.name: card for card in there if card.precision == "fp32"}
    cards |= {card.name: card for card in there if card.precision == precision}
    return [card for _, card in sorted(cards.items())]


def provenance(config: Config) -> dict[str, Any]:
    """Version, precision and checksum of each weight file by name."""
    return {
        card.name: {"version": card.version, "precision": card.precision, "sha256": card.sha256}
        for card in cards_used(config)
    }
