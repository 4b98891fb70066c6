"""Weight files and their model cards, verified before use."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from mien.core.errors import ArtifactError
from mien.core.labels import EMOTIONS

__all__ = [
    "SHIPPED",
    "Artifact",
    "Card",
    "load_artifact",
    "read_card",
    "read_cards",
    "shipped_cards",
    "weights_folder",
]


SHIPPED = frozenset(
    {
        ("detector", "fp32"),
        ("refiner", "fp32"),
        ("landmarks", "fp32"),
        ("expression", "fp32"),
        ("expression", "int8"),
        ("temporal", "fp32"),
    }
)
"""Name and precision of all weights in the package."""


@dataclass(frozen=True)
class Card:
    """Model card of a weight file: the fields of the JSON file beside it.

    Attributes:
        name: name by which the pipeline loads the weights, e.g. "expression".
        file: name of the weight file in the same folder.
        sha256: checksum of that file, hexadecimal.
        version: version of the weights.
        kind: task of the network.
        precision: "fp32" or "int8".
        input: name, shape, range and colour of the input.
        labels: order of the outputs if they are classes.
        trained_on: training data, in one line.
        extra: values that belong to the weights, e.g. temperature or threshold.
    """

    name: str
    file: str
    sha256: str
    version: str
    kind: str
    precision: str
    input: dict[str, Any]
    labels: list[str] = field(default_factory=list)
    trained_on: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the types of the fields."""
        for name, kind in _FIELDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be of type {kind.__name__}, not {value!r}")

    def number(self, name: str) -> float:
        """A number from `extra`.

        Raises:
            ArtifactError: if it is missing or not a number.
        """
        value = self.extra.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ArtifactError(f"the card of {self.file} has no number {name!r}; reinstall mien")
        return float(value)

    def check_labels(self) -> None:
        """Check that the outputs are `EMOTIONS` in their order.

        Raises:
            ArtifactError: if they are not.
        """
        if self.labels != [emotion.value for emotion in EMOTIONS]:
            raise ArtifactError(
                f"{self.file} has the labels {self.labels}, not mien's eight; use other weights"
            )


_FIELDS: dict[str, type] = {
    **dict.fromkeys(("name", "file", "sha256", "version", "kind", "precision", "trained_on"), str),
    **dict.fromkeys(("input", "extra"), dict),
    "labels": list,
}


@dataclass(frozen=True)
class Artifact:
    """A verified weight file in memory."""

    card: Card
    data: bytes = field(repr=False)


def weights_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The given folder, or the folder of the shipped weights."""
    return Path(str(files("mien"))) / "weights" if folder is None else Path(folder)


def load_artifact(
    name: str, precision: str = "fp32", folder: str | os.PathLike[str] | None = None
) -> Artifact:
    """Read and verify weights by name and precision, by default from the shipped folder.

    Raises:
        ArtifactError: if the card or the file is missing, malformed or altered.
    """
    place = weights_folder(folder)
    if not place.is_dir():
        raise ArtifactError(f"the weights folder {place} does not exist; {_remedy(place)}")
    for card in read_cards(place):
        if card.name == name and card.precision == precision:
            return _verified(card, place)
    raise ArtifactError(
        f"no {precision} weights named {name!r} in {place}; choose another precision, or "
        f"{_remedy(place)}"
    )


def shipped_cards() -> list[Card]:
    """The cards of all weights in the package.

    Raises:
        ArtifactError: if one of `SHIPPED` is missing.
    """
    folder = weights_folder()
    cards = read_cards(folder)
    if missing := sorted(SHIPPED - {(card.name, card.precision) for card in cards}):
        names = ", ".join(f"{name} ({precision})" for name, precision in missing)
        raise ArtifactError(f"{folder} lacks the weights of {names}; {_remedy(folder)}")
    return cards


def read_cards(folder: Path) -> list[Card]:
    """The cards in a folder, sorted by file name.

    Raises:
        ArtifactError: if a card is malformed.
    """
    return [read_card(path) for path in sorted(folder.glob("*.json"))]


def read_card(path: Path) -> Card:
    """Read the card in a file.

    Raises:
        ArtifactError: if it is missing or malformed.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Card(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"the model card {path} cannot be read ({error}); {_remedy(path.parent)}"
        ) from None


def _verified(card: Card, folder: Path) -> Artifact:
    path = folder / card.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"the weights {path} cannot be read ({error.strerror}); {_remedy(folder)}"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ArtifactError(
            f"the weights {path} do not match their card (sha256 {found[:12]}..., "
            f"expected {card.sha256[:12]}...); {_remedy(folder)}"
        )
    return Artifact(card, data)


def _remedy(folder: Path) -> str:
    """What to do if the weights in a folder cannot be used."""
    if folder == weights_folder():
        return "reinstall mien"
    return "name the folder with all weights and cards that mien-lab wrote"
