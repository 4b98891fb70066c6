"""Generated scenes to train and evaluate the face detector; deterministic for a seed.

A scene is grey, `(height, width)` uint8, with boxes `(n, 4)`, landmarks `(n, 5, 2)` and ignore
regions `(m, 4)` (doubtful, tiny or mostly cut off), all in pixels.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien_lab.data.drafts import Draft, Scene
from mien_lab.data.framing import cut, fill
from mien_lab.data.pasting import Edge, Placement, cover, paste
from mien_lab.data.patches import heads_of, scrambled, size_of
from mien_lab.data.scenes import Picture
from mien_lab.data.spoiling import spoil

__all__ = ["CYCLE", "SceneKind", "Synthesis"]


class SceneKind(StrEnum):
    """Kinds of generated scenes."""

    EMPTY = "empty"
    NATURAL = "natural"
    CROWD = "crowd"
    PORTRAIT = "portrait"
    PLAIN = "plain"
    GRID = "grid"


CYCLE = (
    *(SceneKind.NATURAL, SceneKind.EMPTY, SceneKind.NATURAL, SceneKind.PORTRAIT),
    *(SceneKind.CROWD, SceneKind.EMPTY, SceneKind.NATURAL, SceneKind.GRID),
    *(SceneKind.NATURAL, SceneKind.EMPTY, SceneKind.CROWD, SceneKind.PORTRAIT),
    *(SceneKind.NATURAL, SceneKind.EMPTY, SceneKind.CROWD, SceneKind.NATURAL),
)
"""Kinds of consecutive scenes, repeated; a quarter has no face."""


class Synthesis:
    """A source of generated scenes.

    Args:
        portraits: pictures with one large face.
        small_faces: FER2013 faces, 48x48.
        scenes: everyday photographs; those without a box are the backgrounds.
        seed: a scene is deterministic for seed, index, size and kind.
        cover_chance: probability that a pasted face is partly occluded.
        turn_backgrounds: also rotate backgrounds by multiples of 90 degrees and invert them, since
            there are too few photographs without a face.

    Raises:
        InputError: if there are no portraits, small faces or photographs without a box.
    """

    def __init__(
        self,
        portraits: Sequence[Picture],
        small_faces: Sequence[Picture],
        scenes: Sequence[Picture],
        seed: int,
        *,
        cover_chance: float = 0.18,
        turn_backgrounds: bool = False,
    ) -> None:
        self._portraits = portraits
        self._small_faces = small_faces
        self._empty = [scene for scene in scenes if not len(scene.boxes)]
        self._peopled = [scene for scene in scenes if len(scene.boxes)]
        self._sure = [scene for scene in scenes if scene.sure.any()]
        self._heads = [head for scene in self._sure for head in heads_of(scene)]
        self._chances: npt.NDArray[np.float64] | None = None
        self._seed = seed
        self._cover_chance = cover_chance
        self._turn_backgrounds = turn_backgrounds
        if not portraits or not small_faces or not self._empty:
            raise InputError(
                "synthesis needs portraits, small faces and photographs without a face; add some"
            )

    @property
    def empty(self) -> Sequence[Picture]:
        """The photographs without a box."""
        return self._empty

    def prefer(self, weights: npt.ArrayLike) -> None:
        """Set sampling weights (n,), all positive, of the photographs in `empty`.

        Raises:
            ValueError: if their number differs or one is not positive.
        """
        chances = np.asarray(weights, np.float64)
        if chances.shape != (len(self._empty),) or not (chances > 0).all():
            raise ValueError(f"{len(self._empty)} positive weights needed, got {chances.shape}")
        self._chances = chances / chances.sum()

    def scene(self, index: int, size: int, kind: SceneKind | None = None) -> Scene:
        """Make scene `index`, `size` pixels square; the kind defaults to that in `CYCLE`."""
        rng = np.random.default_rng((self._seed, index))
        kind = kind or CYCLE[index % len(CYCLE)]
        if kind is SceneKind.EMPTY:
            draft = self._background(rng, size, hard=True)
            for _ in range(int(rng.integers(0, 4))):
                self._paste_decoy(draft, rng)
        elif kind is SceneKind.NATURAL:
            draft = self._natural(rng, size)
        elif kind is SceneKind.CROWD:
            draft = self._crowd(rng, size)
        elif kind is SceneKind.PORTRAIT:
            draft = self._portrait(rng, size)
        elif kind is SceneKind.PLAIN:
            draft = self._plain(rng, size)
            return draft.finish(draft.canvas)
        else:
            draft = self._grid(rng, size)
        return draft.finish(spoil(draft.canvas, rng))

    def group(self, index: int, count: int, width: int, height: int) -> Scene:
        """Make a group photograph of `count` people in rows, without degradation."""
        rng = np.random.default_rng((self._seed, 77, index))
        behind = self._pick(rng, self._empty)
        draft = Draft(cut(rng, behind, width, height, (0.9, 1.2), turn=self._turn_backgrounds))
        rows = 3
        columns = math.ceil(count / rows)
        step_x, step_y = width / (columns + 0.5), height / (rows + 0.7)
        for number in range(count):
            row, column = divmod(number, columns)
            centre = (
                step_x * (column + 0.5 + 0.5 * (row % 2)) + rng.uniform(-0.1, 0.1) * step_x,
                step_y * (row + 0.8) + rng.uniform(-0.12, 0.12) * step_y,
            )
            size = float(rng.uniform(0.018, 0.07)) * width
            self._place(draft, rng, size, centre, angle=float(rng.uniform(-15, 15)), edge=Edge.OVAL)
        return draft.finish(draft.canvas)

    @staticmethod
    def _pick(rng: np.random.Generator, pool: Sequence[Picture]) -> Picture:
        return pool[int(rng.integers(len(pool)))]

    def _face(self, rng: np.random.Generator, size: float, edge: Edge = Edge.HARD) -> Picture:
        if edge is Edge.OVAL and rng.random() < 0.35:
            fitting = [head for head in self._heads if size_of(head) >= 0.75 * size]
            if fitting:
                return self._pick(rng, fitting)
        # FER2013 faces have about 43 px; enlarged further, they would make large faces blurred.
        share = 0.6 if size < 48 else 0.35 if size < 90 else 0.1 if size < 200 else 0.0
        return self._pick(rng, self._small_faces if rng.random() < share else self._portraits)

    def _background(self, rng: np.random.Generator, size: int, *, hard: bool = False) -> Draft:
        if hard and self._chances is not None:
            scene = self._empty[int(rng.choice(len(self._empty), p=self._chances))]
        else:
            scene = self._pick(rng, self._empty)
        return Draft(cut(rng, scene, size, size, (0.9, 3.0), turn=self._turn_backgrounds))

    def _natural(self, rng: np.random.Generator, size: int) -> Draft:
        pool = self._sure if self._sure and rng.random() < 0.75 else self._peopled or self._empty
        scene = self._pick(rng, pool)
        draft = Draft(np.zeros((size, size), np.uint8))
        scale = math.exp(rng.uniform(math.log(0.5), math.log(2.0)))
        if scene.sure.any():
            largest = float(np.sqrt(np.prod(scene.boxes[scene.sure, 2:], axis=1)).max())
            smallest = float(np.sqrt(np.prod(scene.boxes[scene.sure, 2:], axis=1)).min())
            scale = min(max(scale, 11.0 / smallest), 0.95 * size / largest)
        fill(draft, rng, scene, scale, float(rng.normal(0, 12)), cv2.BORDER_CONSTANT)
        return draft

    def _crowd(self, rng: np.random.Generator, size: int) -> Draft:
        draft = self._background(rng, size)
        for _ in range(int(rng.integers(0, 3))):
            self._paste_decoy(draft, rng)
        most = float(rng.choice([28.0, 60.0, 140.0], p=[0.4, 0.35, 0.25]))
        for _ in range(int(rng.integers(1, 4 if most > 100 else 9))):
            face_size = math.exp(rng.uniform(math.log(9.5), math.log(most)))
            centre = tuple(float(v) for v in rng.uniform(0, size, 2))
            edge = Edge(rng.choice([Edge.OVAL, Edge.SOFT, Edge.HARD], p=[0.7, 0.2, 0.1]))
            self._place(draft, rng, face_size, (centre[0], centre[1]), edge=edge)
        return draft

    def _portrait(self, rng: np.random.Generator, size: int) -> Draft:
        flat = np.full(
            (size, size), 0 if rng.random() < 0.5 else int(rng.integers(0, 256)), np.uint8
        )
        draft = Draft(flat) if rng.random() < 0.4 else self._background(rng, size)
        face_size = math.exp(rng.uniform(math.log(60.0), math.log(0.95 * size)))
        slack = max(size - 0.8 * face_size, 0.1 * size)
        centre = tuple(float(v) for v in size / 2 + rng.uniform(-0.5, 0.5, 2) * slack)
        edge = Edge(rng.choice([Edge.OVAL, Edge.SOFT, Edge.HARD], p=[0.25, 0.25, 0.5]))
        angle = float(rng.normal(0, 7)) if rng.random() < 0.7 else float(rng.uniform(-45, 45))
        self._place(draft, rng, face_size, (centre[0], centre[1]), angle=angle, edge=edge)
        return draft

    def _plain(self, rng: np.random.Generator, size: int) -> Draft:
        """An unaltered portrait or its mirror image, at 75 to 100 % of the scene's size."""
        scene = self._pick(rng, self._portraits)
        draft = Draft(np.zeros((size, size), np.uint8))
        scale = float(rng.uniform(0.75, 1.0)) * size / max(scene.image.shape)
        fill(draft, rng, scene, scale, 0.0, cv2.BORDER_CONSTANT, stretch=0.0, aim=False)
        return draft

    def _grid(self, rng: np.random.Generator, size: int) -> Draft:
        draft = self._background(rng, size)
        step = size / int(rng.integers(2, 6))
        ratio = float(rng.uniform(0.6, 0.85))
        for row in range(int(size / step)):
            for column in range(int(size / step)):
                if rng.random() < 0.85:
                    centre = ((column + 0.5) * step, (row + 0.5) * step)
                    angle = float(rng.normal(0, 5))
                    self._place(
                        draft, rng, ratio * step, centre, angle=angle, edge=Edge.HARD, check=False
                    )
        return draft

    def _place(
        self,
        draft: Draft,
        rng: np.random.Generator,
        size: float,
        centre: tuple[float, float],
        *,
        edge: Edge,
        angle: float | None = None,
        check: bool = True,
    ) -> None:
        if angle is None:
            angle = float(rng.normal(0, 10)) if rng.random() < 0.5 else float(rng.uniform(-45, 45))
        half = np.array([0.45, 0.6], np.float32) * size
        target = np.concatenate([np.array(centre, np.float32) - half, 2 * half]).astype(np.float32)
        if check and not draft.is_free(target):
            return
        face = self._face(rng, size, edge)
        place = Placement(
            centre=centre,
            size=size,
            angle=angle,
            mirror=bool(rng.random() < 0.5),
            edge=edge,
            gain=float(np.exp(rng.normal(0, 0.2))),
            shift=float(rng.normal(0, 18)),
            margin=float(rng.uniform(1.0, 1.8 if face.name.startswith("head") else 1.45)),
        )
        box, points = paste(draft.canvas, face, place)
        if rng.random() < self._cover_chance:
            cover(draft.canvas, box, points, rng)
        draft.add(box, points)

    def _paste_decoy(self, draft: Draft, rng: np.random.Generator) -> None:
        """Paste a negative patch with the same blending as faces.

        Otherwise the network could learn the seams instead of the faces.
        """
        size = math.exp(rng.uniform(math.log(12.0), math.log(110.0)))
        if rng.random() < 0.5:
            patch = scrambled(self._face(rng, size).image, rng)
        else:
            behind = self._pick(rng, self._empty)
            patch = cut(rng, behind, 96, 96, (1.0, 3.0), turn=self._turn_backgrounds)
        height, width = patch.shape
        box = np.array([[0.15 * width, 0.1 * height, 0.7 * width, 0.85 * height]], np.float32)
        decoy = Picture(
            "decoy", patch, box, np.zeros((1, 5, 2), np.float32), np.zeros(1, np.float32)
        )
        edge = Edge(rng.choice([Edge.OVAL, Edge.SOFT, Edge.HARD], p=[0.7, 0.2, 0.1]))
        target = rng.uniform(0, draft.canvas.shape[0], 2)
        half = np.array([0.6, 0.6], np.float32) * size
        if draft.is_free(np.concatenate([target - half, 2 * half]).astype(np.float32), share=0.0):
            place = Placement(
                (float(target[0]), float(target[1])), size, float(rng.uniform(-45, 45)), edge=edge
            )
            paste(draft.canvas, decoy, place)
