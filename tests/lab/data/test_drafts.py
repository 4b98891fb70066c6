import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.drafts import Draft

POINTS = np.zeros((5, 2), np.float32)


@pytest.fixture
def draft():
    """A canvas 100 wide and 80 high with a face in its middle."""
    made = Draft(np.zeros((80, 100), np.uint8))
    made.add(np.float32([30, 20, 40, 40]), POINTS)
    return made


@pytest.mark.parametrize(
    ("box", "free"),
    [
        ((80, 0, 20, 20), True),
        ((70, 20, 20, 20), True),
        # A tenth of the smaller box, and a fifth.
        ((68, 20, 20, 20), True),
        ((66, 20, 20, 20), False),
        ((0, 0, 100, 80), False),
    ],
)
def test_little_may_lie_on_what_is_there(draft, box, free):
    assert draft.is_free(np.float32(box)) is free


def test_what_is_ignored_is_no_free_place_either(draft):
    draft.ignored.append(np.float32([0, 0, 20, 20]))
    assert not draft.is_free(np.float32([5, 5, 10, 10]))
    assert draft.is_free(np.float32([19, 19, 10, 10]), share=0.01)
    assert not draft.is_free(np.float32([19, 19, 10, 10]), share=0.0)


@pytest.mark.parametrize(
    ("box", "faces", "ignored"),
    [
        ((0, 0, 12, 12), 2, 0),
        ((0, 0, 8, 8), 1, 1),
        # Four tenths are beyond the edge; then the middle is; then nothing is left.
        ((-8, 0, 20, 20), 2, 0),
        ((-11, 0, 20, 20), 1, 1),
        ((90, 70, 19, 19), 1, 1),
        ((-30, 0, 20, 20), 1, 0),
    ],
)
def test_of_what_can_hardly_be_seen_nothing_is_asked(draft, box, faces, ignored):
    draft.add(np.float32(box), POINTS)
    scene = draft.finish(draft.canvas)
    assert (len(scene.boxes), len(scene.points), len(scene.ignored)) == (faces, faces, ignored)


def test_a_picture_without_a_face_has_no_rows():
    image = np.zeros((9, 9), np.uint8)
    scene = Draft(image).finish(image)
    assert (scene.boxes.shape, scene.points.shape, scene.ignored.shape) == (
        (0, 4), (0, 5, 2), (0, 4),
    )  # fmt: skip
