"""Which weights readings are made with, as documents state it."""

from typing import Any

from mien.pipeline.build import Parts

__all__ = ["provenance"]


def provenance(parts: Parts) -> dict[str, Any]:
    """Version, precision and checksum of each weight file by name, as they were loaded."""
    return {
        card.name: {"version": card.version, "precision": card.precision, "sha256": card.sha256}
        for card in parts.cards
    }
