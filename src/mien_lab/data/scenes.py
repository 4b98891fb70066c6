"""Training photographs of the detector: portraits, everyday scenes, FER2013 faces.

All pictures are 8-bit grey `(height, width)`. Boxes are rows `(x, y, width, height)` and landmarks
are `(5, 2)`: right eye, left eye, nose, right mouth corner, left mouth corner ("right" is the
person's right). Coordinates are continuous pixels: the top left corner of the picture is `(0,
0)`. The teacher is the public detector that produced the boxes and landmarks (pseudo-labels).
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.types import Face
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
    "boxes_of",
    "part_of",
    "person_of",
    "read_fer_faces",
    "read_grey",
    "read_photographs",
    "read_portraits",
    "read_scenes",
    "without_missed",
]

GreyImage = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SURE_SCORE = 0.8
"""Minimum teacher score of a sure face; boxes below it are ignored (see data/README.md)."""
LEAST_FER_SCORE = 0.7
"""Minimum teacher score of FER2013 faces that are trained on."""

ANIMALS = frozenset(
    {
        "n02088364", "n02089973", "n02090379", "n02093256", "n02093991", "n02095314",
        "n02100583", "n02106166", "n02110958", "n02113023", "n02120079", "n02124075",
        "n02342885", "n02484975", "n02487347", "n02490219", "n02492035", "n02494079",
    }
)  # fmt: skip
"""ImageNet classes of the photographs whose single sure box is the face of an animal.

Found by inspecting all 36 sure boxes of animal classes. Animals do not count as faces; these boxes
are ignored instead.
"""

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
"""Training and validation photographs with a person, statue or mask that the teacher missed.

Of 446 detections by two detectors in photographs without a box, all with a score of at least 0.5
were inspected. These photographs are not used as negatives for training or for choosing thresholds.
"""

FACES_IN_HELD_OUT = frozenset(
    {"n02704792_amphibian.jpg", "n02965783_car_mirror.jpg", "n03000247_chain_mail.jpg"}
)
"""Held-out photographs with a human face that the teacher missed.

They show a small face in a boat, a blurred one in a mirror, and one cut by the border. All 240
photographs without a box were inspected. Figures are reported with and without this correction.
"""


class Part(StrEnum):
    """The part of the data that a photograph belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    HELD_OUT = "held-out"


@dataclass(frozen=True)
class Picture:
    """A grey picture with the teacher's pseudo-labels.

    Attributes:
        name: file name, or `fer2013/<row>`.
        image: `(height, width)` uint8.
        boxes: `(n, 4)` float32, in pixels; may reach outside the picture.
        points: `(n, 5, 2)` float32 landmarks, in pixels.
        scores: `(n,)` float32 confidence scores of the teacher.
    """

    name: str
    image: GreyImage
    boxes: Floats
    points: Floats
    scores: Floats

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """Which boxes count as human faces, `(n,)` bool; the others are ignore regions."""
        return (self.scores >= SURE_SCORE) & (self.name.split("_")[0] not in ANIMALS)


def boxes_of(faces: Sequence[Face]) -> Floats:
    """The boxes of detections as rows, `(n, 4)` float32."""
    return np.array([face.box.as_tuple() for face in faces], np.float32).reshape(-1, 4)


def part_of(key: str) -> Part:
    """The fixed part of a key, by its CRC-32: 20 % held out, 8 % validation, the rest training."""
    slot = zlib.crc32(key.encode("utf-8")) % 100
    if slot < 20:
        return Part.HELD_OUT
    return Part.VALIDATION if slot < 28 else Part.TRAIN


def person_of(name: str) -> str:
    """The person in a portrait: `Aaron_Eckhart_0001.jpg` is `Aaron_Eckhart`."""
    return name.rsplit("_", 1)[0]


def read_portraits(data_dir: Path, *parts: Part) -> list[Picture]:
    """Read `data/faces`: portraits with one large face, split by person; all if no part is given.

    Photographs that are also in `data/wild`, a test set, are only returned for the held-out part.
    """
    tested = {path.name for path in (data_dir / "wild" / "images").glob("*.jpg")}
    return [
        p
        for p in _pictures(data_dir / "faces")
        if not parts
        or (
            (part := part_of(person_of(p.name))) in parts
            and (part is Part.HELD_OUT or p.name not in tested)
        )
    ]


def read_scenes(data_dir: Path, *parts: Part) -> list[Picture]:
    """Read `data/scenes`, mostly without faces, split by file name; all if no part is given."""
    return [p for p in _pictures(data_dir / "scenes") if not parts or part_of(p.name) in parts]


def without_missed(scenes: Iterable[Picture]) -> list[Picture]:
    """The scenes without those of `MISSED_BY_THE_TEACHER` that have no box."""
    return [s for s in scenes if len(s.boxes) or s.name not in MISSED_BY_THE_TEACHER]


def read_fer_faces(data_dir: Path, *parts: Part) -> list[Picture]:
    """FER2013's Training rows with a face found by the teacher, 48x48 each, split by row.

    Rows with more than 40 % of the box outside the picture are omitted. FER2013 repeats pictures;
    those of the training part are omitted from the others.

    Raises:
        InputError: if FER2013's file or `landmarks.csv` is missing or not as published.
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
    """Name and grey picture of each JPEG or PNG in a folder, sorted by name.

    Raises:
        InputError: if a picture cannot be read.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            yield path.name, read_grey(path)


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


def read_grey(path: Path) -> GreyImage:
    """Read a picture as grey, `(height, width)` uint8.

    Raises:
        InputError: if it is missing or cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise InputError(f"{path} cannot be read; get it again")
    return np.asarray(image, dtype=np.uint8)
