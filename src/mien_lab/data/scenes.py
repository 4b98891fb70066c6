"""The photographs the detector learns from: portraits, everyday scenes, FER2013 faces.

All pictures are 8-bit grey `(height, width)`. Boxes are rows `(x, y, width, height)` and points
are `(5, 2)`: right eye, left eye, nose, right mouth corner, left mouth corner ("right" is the
person's right). Coordinates are continuous pixels: the top left corner of the picture is `(0,
0)`.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien_lab.data.face_labels import face_label
from mien_lab.data.fer2013 import read_challenge, read_face_labels
from mien_lab.data.tables import read_table

__all__ = [
    "FACES_IN_HELD_OUT",
    "SURE_SCORE",
    "Floats",
    "GreyImage",
    "Part",
    "Picture",
    "part_of",
    "person_of",
    "read_fer_faces",
    "read_photographs",
    "read_portraits",
    "read_scenes",
    "without_missed",
]

GreyImage = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SURE_SCORE = 0.8  # data/README.md: a sure face; below it a box counts neither way
LEAST_FER_SCORE = 0.7
"""Of a face of FER2013 to be learned from."""

ANIMALS = frozenset(
    {
        "n02088364", "n02089973", "n02090379", "n02093256", "n02093991", "n02095314",
        "n02100583", "n02106166", "n02110958", "n02113023", "n02120079", "n02124075",
        "n02342885", "n02484975", "n02487347", "n02490219", "n02492035", "n02494079",
    }
)  # fmt: skip
"""ImageNet classes of the photographs whose one sure box is an animal's face, seen by eye in all 36
sure boxes of animal classes. Animal faces are not faces here: those boxes are doubtful instead."""

MISSED_BY_THE_TEACHER = frozenset(
    {
        "101084.jpg", "156054.jpg", "156079.jpg", "220075.jpg", "317043.jpg", "33039.jpg",
        "35010.jpg", "372019.jpg", "393035.jpg", "64061.jpg", "80085.jpg",
        "n02276258_admiral.jpg", "n02939185_caldron.jpg", "n02992211_cello.jpg",
        "n03041632_cleaver.jpg", "n03141823_crutch.jpg", "n03255030_dumbbell.jpg",
        "n03793489_mouse.jpg", "n03992509_potter's_wheel.jpg",
        "n04065272_recreational_vehicle.jpg", "n04081281_restaurant.jpg",
        "n04310018_steam_locomotive.jpg", "n04370456_sweatshirt.jpg", "n04404412_television.jpg",
        "n04458633_totem_pole.jpg", "n04487081_trolleybus.jpg", "n04522168_vase.jpg",
        "n06596364_comic_book.jpg",
    }
)  # fmt: skip
"""Photographs of the training and validation parts in which the teacher found nothing and the eye
sees a person, a statue or a mask: of 446 finds of two detectors in photographs without a box, all
that scored 0.5 and more were looked at. They are no negatives to learn from or to choose a
threshold by."""

FACES_IN_HELD_OUT = frozenset(
    {"n02704792_amphibian.jpg", "n02965783_car_mirror.jpg", "n03000247_chain_mail.jpg"}
)
"""Photographs of the held-out part in which the teacher found nothing and the eye sees a human
face: a small one in a boat, a blurred one in a mirror, one that the border cuts. All 240 in which
it found nothing were looked at, whatever a detector said of them. Figures are given by the
teacher's word and by the eye."""


class Part(StrEnum):
    """Which use a photograph is kept for."""

    TRAIN = "train"
    VALIDATION = "validation"
    HELD_OUT = "held-out"


@dataclass(frozen=True)
class Picture:
    """A grey picture with teacher labels.

    Attributes:
        name: file name, or `fer2013/<row>`.
        image: `(height, width)` uint8.
        boxes: `(n, 4)` float32, pixels; may reach outside the picture.
        points: `(n, 5, 2)` float32, pixels.
        scores: `(n,)` float32, the teacher's confidence.
    """

    name: str
    image: GreyImage
    boxes: Floats
    points: Floats
    scores: Floats

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """Which boxes are certainly human faces, `(n,)`."""
        return (self.scores >= SURE_SCORE) & (self.name.split("_")[0] not in ANIMALS)


def part_of(key: str) -> Part:
    """The fixed part a key belongs to: 20 % held out, 8 % validation, the rest training."""
    slot = zlib.crc32(key.encode("utf-8")) % 100
    if slot < 20:
        return Part.HELD_OUT
    return Part.VALIDATION if slot < 28 else Part.TRAIN


def person_of(name: str) -> str:
    """The person in a portrait: `Aaron_Eckhart_0001.jpg` is `Aaron_Eckhart`."""
    return name.rsplit("_", 1)[0]


def read_portraits(data_dir: Path, *parts: Part) -> list[Picture]:
    """`data/faces`: one large face each, split by person. No parts means all of them.

    Photographs that `data/wild` has too come with the held-out part alone: what is tried there
    must not have been trained on them.
    """
    tried = {path.name for path in (data_dir / "wild" / "images").glob("*.jpg")}
    return [
        p
        for p in _pictures(data_dir / "faces")
        if not parts
        or (
            (part := part_of(person_of(p.name))) in parts
            and (part is Part.HELD_OUT or p.name not in tried)
        )
    ]


def read_scenes(data_dir: Path, *parts: Part) -> list[Picture]:
    """`data/scenes`: most without a face, split by file name. No parts means all of them."""
    return [p for p in _pictures(data_dir / "scenes") if not parts or part_of(p.name) in parts]


def without_missed(scenes: Iterable[Picture]) -> list[Picture]:
    """The scenes that have a box or, as far as was seen, no face."""
    return [s for s in scenes if len(s.boxes) or s.name not in MISSED_BY_THE_TEACHER]


def read_fer_faces(data_dir: Path, *parts: Part) -> list[Picture]:
    """FER2013's Training rows that the teacher found a face in, 48x48 each, split by row.

    Rows whose box lies more than 40 % outside the picture are left out: too little of the face
    shows. FER2013 repeats pictures: what is also in the training part is in no other.

    Raises:
        InputError: if FER2013's file or `landmarks.csv` is missing or not of the published kind.
    """
    folder = data_dir / "fer2013"
    pixels, _, split = read_challenge(folder)
    labels = read_face_labels(folder, len(pixels))
    if not labels:
        raise InputError(f"{folder / 'landmarks.csv'} is missing or empty; get it again")
    learnt = {
        pixels[row].tobytes()
        for row in np.flatnonzero(split == "Training").tolist()
        if parts and Part.TRAIN not in parts and part_of(_fer_name(row)) is Part.TRAIN
    }
    faces = []
    for row, (box, points, score) in sorted(labels.items()):
        name = _fer_name(row)
        if split[row] != "Training" or score < LEAST_FER_SCORE:
            continue
        if (parts and part_of(name) not in parts) or pixels[row].tobytes() in learnt:
            continue
        shown = np.clip(box[:2] + box[2:], 0, 48) - np.clip(box[:2], 0, 48)
        if np.prod(shown) < 0.6 * box[2] * box[3]:
            continue
        faces.append(
            Picture(
                name,
                pixels[row],
                box.astype(np.float32)[None],
                points.astype(np.float32)[None],
                np.array([score], np.float32),
            )
        )
    return faces


def _fer_name(row: int) -> str:
    return f"fer2013/{row}"


def read_photographs(folder: Path) -> Iterator[tuple[str, GreyImage]]:
    """Name and grey picture of each JPEG or PNG in a folder, sorted by name."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            yield path.name, _read_grey(path)


def _pictures(folder: Path) -> Iterator[Picture]:
    labels: dict[str, list[dict[str, str]]] = {}
    for row in read_table(folder / "faces.csv", ("image",)):
        labels.setdefault(row["image"], []).append(row)
    for name, image in read_photographs(folder / "images"):
        rows = [face_label(row, folder / "faces.csv") for row in labels.get(name, [])]
        yield Picture(
            name,
            image,
            np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
            np.array([points for _, points, _ in rows], np.float32).reshape(-1, 5, 2),
            np.array([score for _, _, score in rows], np.float32),
        )


def _read_grey(path: Path) -> GreyImage:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise InputError(f"{path} is not a picture that OpenCV can read; get it again")
    return np.asarray(image, dtype=np.uint8)
