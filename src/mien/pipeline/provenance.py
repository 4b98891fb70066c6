"""Which weights a configuration reads with, as documents state it."""

from typing import Any

from mien.pipeline.build import DEFAULT_PRECISION, Config
from mien.runtime.artifact import Card, shipped_cards

__all__ = ["cards_used", "provenance"]


def cards_used(config: Config) -> list[Card]:
    """The cards of the shipped weights that are used, by name."""
    precision = config.precision or DEFAULT_PRECISION
    shipped = shipped_cards()
    cards = {card.name: card for card in shipped if card.precision == "fp32"}
    cards |= {card.name: card for card in shipped if card.precision == precision}
    return [card for _, card in sorted(cards.items())]


def provenance(config: Config) -> dict[str, Any]:
    """Version, precision and checksum of each weight file by name."""
    return {
        card.name: {"version": card.version, "precision": card.precision, "sha256": card.sha256}
        for card in cards_used(config)
    }
