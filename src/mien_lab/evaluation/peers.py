"""Evaluation of other expression readers on mien's test data and protocols."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.types import Box
from mien.pipeline.analyzer import Analyzer
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, load_fer, majority
from mien_lab.evaluation.comparison import write_labels
from mien_lab.evaluation.metrics import classification_figures
from mien_lab.evaluation.peer_packages import Grey, Peer, installed_peers
from mien_lab.evaluation.photographs import LabelledPhotographs, photograph_figures, read_labelled

__all__ = ["evaluate_peers"]

log = logging.getLogger(__name__)

SPLIT = "PrivateTest"


@dataclass(frozen=True)
class _Crops:
    """The test split of FER2013, as published and as mien's aligned crops."""

    rows: npt.NDArray[np.intp]
    inputs: Mapping[str, Grey]
    labels: npt.NDArray[np.int64]
    majority: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Photograph:
    """A grey photograph with the largest face that mien detects.

    Attributes:
        picture: (height, width) uint8.
        box: box of the face; None without one.
        crop: mien's aligned crop of the face, (48, 48) uint8; None without one.
    """

    picture: Grey
    box: Box | None
    crop: Grey | None


def evaluate_peers(
    data: Path,
    *,
    peers: Sequence[Peer] | None = None,
    weights: Path | None = None,
    predictions: Path | None = None,
) -> dict[str, Any]:
    """Figures of each installed peer by name; an empty dict if there is none.

    `fer2013` and `ferplus` use the input with the higher accuracy, `raw` pictures or mien's
    `aligned` crops; `accuracy_by_input` has both. A label that the peer does not have (contempt)
    counts as an error. `wild` is over whole photographs, by their largest face; a photograph
    without a detected face counts as an error. `own_detector` is the peer end to end (None if its
    detector is not available), `mien_detector` uses mien's box with the peer's crop, `mien_crop`
    uses mien's crop. Unreadable photographs are only listed in `failures`.

    Args:
        data: folder with `fer2013/` and `wild/`.
        peers: peers to measure; all installed ones if None.
        weights: folder with mien's weights; the shipped ones if None.
        predictions: folder to write predictions to, for `mien-lab evaluate --against`: `PEER.csv`
            for FER2013 and FER+, `PEER-own_detector.csv` and so on for photographs.
    """
    peers = installed_peers() if peers is None else peers
    if not peers:
        log.info("no peer is installed; see mien_lab.evaluation.peer_packages")
        return {}
    crops, photographs = _read_crops(data / "fer2013"), _read_photographs(data / "wild", weights)
    figures = {}
    for peer in peers:
        log.info("measuring %s", peer.name)
        of_crops, chosen = _crop_figures(peer, crops)
        of_photographs, read = _wild_figures(peer, photographs)
        if predictions is not None:
            _write(predictions, peer.name, crops, chosen)
            for place, labels in read.items():
                path = predictions / f"{peer.name}-{place}.csv"
                write_labels(path, photographs.names, labels, photographs.truth)
        figures[peer.name] = {
            "version": peer.version,
            "weights": peer.weights.name,
            "sha256": peer.sha256,
            "labels": [str(label) for label in peer.labels],
            "split": SPLIT,
            **of_crops,
            "wild": of_photographs,
        }
    return figures


def _read_crops(folder: Path) -> _Crops:
    fer = load_fer(folder)
    rows = fer.rows(SPLIT)
    inputs = {"raw": fer.pixels[rows], "aligned": upright_crops(fer_faces(fer, rows))}
    return _Crops(rows, inputs, fer.labels[rows], majority(fer.votes[rows]))


def _read_photographs(folder: Path, weights: Path | None) -> LabelledPhotographs[_Photograph]:
    with Analyzer(weights=weights) as analyzer:
        reader = analyzer.parts.reader

        def read(path: Path) -> _Photograph:
            # Decoded to colour and converted to grey, as in the peers' code.
            colour = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if colour is None:
                raise InputError(f"{path} cannot be read; get it again")
            picture = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)
            faces = reader.find(picture)[:1]
            if not faces:
                return _Photograph(picture, None, None)
            return _Photograph(picture, faces[0].box, reader.crops(picture, faces)[0])

        return read_labelled(folder, read)


_Labels = npt.NDArray[np.intp]


def _crop_figures(peer: Peer, crops: _Crops) -> tuple[dict[str, Any], dict[str, _Labels]]:
    """Figures and labels (n,) by protocol, with the input of higher accuracy."""
    counted = crops.majority >= 0
    figures: dict[str, dict[str, dict[str, Any]]] = {"fer2013": {}, "ferplus": {}}
    labels: dict[str, dict[str, _Labels]] = {"fer2013": {}, "ferplus": {}}
    for name, faces in crops.inputs.items():
        scores = peer.scores(faces)
        seven, eight = scores[:, : len(FER_LABELS)].argmax(axis=1), scores.argmax(axis=1)
        labels["fer2013"][name], labels["ferplus"][name] = seven, eight[counted]
        figures["fer2013"][name] = classification_figures(
            crops.labels, seven, [str(e) for e in FER_LABELS]
        )
        figures["ferplus"][name] = classification_figures(
            crops.majority[counted], eight[counted], [str(e) for e in EMOTIONS]
        )
    better = {protocol: _better(found) for protocol, found in figures.items()}
    return better, {name: labels[name][found["input"]] for name, found in better.items()}


def _better(figures: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    accuracy = {name: values["accuracy"] for name, values in figures.items()}
    best = max(accuracy, key=lambda name: accuracy[name])
    return figures[best] | {"input": best, "accuracy_by_input": accuracy}


def _write(folder: Path, peer: str, crops: _Crops, chosen: Mapping[str, _Labels]) -> None:
    """Write the labels of both protocols, under the names of mien's cases."""
    counted = crops.majority >= 0
    protocols = {
        "fer2013": (crops.rows, crops.labels, FER_LABELS),
        "ferplus": (crops.rows[counted], crops.majority[counted], EMOTIONS),
    }
    names: list[str] = []
    predicted: list[Emotion] = []
    truth: list[Emotion] = []
    for protocol, (rows, labels, known) in protocols.items():
        names += [f"{protocol}/{row:05}" for row in rows]
        predicted += [known[label] for label in chosen[protocol]]
        truth += [known[label] for label in labels]
    write_labels(folder / f"{peer}.csv", names, predicted, truth)


def _wild_figures(
    peer: Peer, data: LabelledPhotographs[_Photograph]
) -> tuple[dict[str, Any], dict[str, list[Emotion | None]]]:
    """Figures and labels by source of the faces."""

    def cut(picture: Grey, box: Box | None) -> Grey | None:
        return None if box is None else peer.cut(picture, box)

    cuts = [cut(each.picture, each.box) for each in data.found]
    faces = {"mien_detector": cuts, "mien_crop": [each.crop for each in data.found]}
    if peer.find is None:
        log.info("this OpenCV has no Haar cascades: %s is not measured end to end", peer.name)
    else:
        pictures = [each.picture for each in data.found]
        own = [cut(picture, _largest(peer.find, picture)) for picture in pictures]
        faces = {"own_detector": own, **faces}
    labels = {place: _read(peer, some) for place, some in faces.items()}
    figures = {place: photograph_figures(data.truth, read) for place, read in labels.items()}
    return {"own_detector": None, **figures, "failures": data.failures}, labels


def _largest(find: Callable[[Grey], list[Box]], picture: Grey) -> Box | None:
    return max(find(picture), key=lambda box: box.area, default=None)


def _read(peer: Peer, faces: Sequence[Grey | None]) -> list[Emotion | None]:
    """The peer's most probable label of each face; None for a missing face or empty crop."""
    seen = [index for index, face in enumerate(faces) if face is not None and face.size]
    scores = peer.scores([face for face in faces if face is not None and face.size])
    result: list[Emotion | None] = [None] * len(faces)
    for index, row in zip(seen, scores, strict=True):
        result[index] = EMOTIONS[int(row.argmax())]
    return result
