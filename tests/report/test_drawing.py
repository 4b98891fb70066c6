import itertools

import numpy as np
import PIL.Image
import pytest

from mien.core.errors import OutputError
from mien.core.labels import EMOTIONS
from mien.core.types import Doubt, FrameReading
from mien.report.callouts import Callout
from mien.report.drawing import Drawer, annotate, write_picture
from mien.report.palette import COLOURS
from mien.vision.geometry import intersection_areas


def picture(height=480, width=640, level=200):
    return np.full((height, width, 3), level, np.uint8)


def changed(before, after):
    return np.argwhere((before != after).any(axis=2))


def test_without_faces_the_picture_is_copied():
    image = picture()
    result = annotate(image, FrameReading(0, 0.0, ()))
    assert np.array_equal(result, image)
    assert result is not image


def test_the_source_is_left_alone_and_something_is_drawn(make_reading):
    image = picture()
    result = annotate(image, FrameReading(0, 0.0, (make_reading((200, 150, 120, 150)),)))
    assert (image == 200).all()
    assert result.shape == image.shape
    assert len(changed(image, result)) > 5000


def test_grey_pictures_become_colour(make_reading):
    frame = FrameReading(0, 0.0, (make_reading((200, 150, 120, 150)),))
    assert annotate(np.full((480, 640), 90, np.uint8), frame).shape == (480, 640, 3)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_box_has_the_colour_of_the_expression(make_reading, emotion):
    result = annotate(
        picture(), FrameReading(0, 0.0, (make_reading((200, 150, 120, 150), emotion),))
    )
    assert tuple(result[150 + 75, 200]) == COLOURS[emotion]


def test_uncertain_boxes_are_dashed(make_reading):
    image = picture()

    def drawn(doubt):
        reading = make_reading((200, 150, 120, 150), doubt=doubt)
        return (annotate(image, FrameReading(0, 0.0, (reading,)))[160:290, 200] != 200).any(axis=1)

    assert drawn(None).all()
    assert 0.3 < drawn(Doubt.BLURRED).mean() < 0.9


@pytest.mark.parametrize("level", [0, 128, 255])
def test_text_is_legible_on_any_ground(make_reading, level):
    image = picture(level=level)
    result = annotate(image, FrameReading(0, 0.0, (make_reading((100, 150, 120, 150)),)))
    panel = result[152:240, 236:400].reshape(-1, 3).astype(float)
    weights = np.array([0.2126, 0.7152, 0.0722]) / 255
    light = (panel @ weights) ** 2.2
    ground, ink = np.median(light), light.max()
    # WCAG asks for a contrast of 4.5.
    assert (ink + 0.05) / (ground + 0.05) > 7


@pytest.mark.parametrize(
    "box",
    [
        (-30, -40, 120, 150),
        (570, 400, 120, 150),
        (0, 0, 640, 480),
        (600, 0, 40, 50),
        (300, 470, 9, 9),
    ],
)
def test_labels_stay_inside(make_reading, monkeypatch, box):
    spots = []
    place = Callout.place

    def spy(self, *arguments):
        spots.append(place(self, *arguments))
        return spots[-1]

    monkeypatch.setattr(Callout, "place", spy)
    annotate(picture(), FrameReading(0, 0.0, (make_reading(box),)))
    spot = spots[0].box
    assert spot.x >= 0
    assert spot.y >= 0
    assert spot.x + spot.width <= 640
    assert spot.y + spot.height <= 480


def overlap(boxes):
    rows = [box.as_tuple() for box in boxes]
    return np.triu(intersection_areas(rows, rows), 1).sum()


def test_labels_of_a_crowd_do_not_hide_each_other(make_reading, monkeypatch):
    spots = []
    place = Callout.place

    def spy(self, *arguments):
        spots.append(place(self, *arguments))
        return spots[-1]

    monkeypatch.setattr(Callout, "place", spy)
    readings = [
        make_reading((60 + i % 5 * 370, 60 + i // 5 * 360, 110, 140), EMOTIONS[i % 8])
        for i in range(15)
    ]
    annotate(picture(1080, 1920), FrameReading(0, 0.0, tuple(readings)))
    boxes = [spot.box for spot in spots]
    assert overlap(boxes) == 0


def test_where_faces_touch_each_has_a_line_of_its_own(make_reading, monkeypatch):
    spots = {}
    place = Callout.place

    def spy(self, *arguments):
        spots[self.name] = place(self, *arguments)
        return spots[self.name]

    monkeypatch.setattr(Callout, "place", spy)
    boxes = [(i % 7 * 240, i // 7 * 240, 240 + (i == 17), 240) for i in range(35)]
    readings = [make_reading(box, EMOTIONS[i % 8]) for i, box in enumerate(boxes)]
    annotate(picture(1200, 1680), FrameReading(0, 0.0, tuple(readings)))
    assert not any(spot.full for spot in spots.values())
    labels = [spot.box for spot in spots.values()]
    assert overlap(labels) == 0
    # The label of the largest face, in the middle, is placed first: on its own face.
    middle = spots["#17"].box
    assert overlap([middle, readings[17].face.box]) > 0.9 * middle.area


def test_labels_stay_put_from_frame_to_frame(make_reading, monkeypatch):
    seen = []
    draw = Callout.draw

    def spy(self, canvas, spot):
        seen.append((self.unit, spot.side, spot.full))
        draw(self, canvas, spot)

    monkeypatch.setattr(Callout, "draw", spy)
    drawer = Drawer()
    for step in range(12):
        # Another face comes near the label, the face itself grows a little.
        readings = (
            make_reading((100, 150, 130 + step, 150 + step), track_id=1),
            make_reading((450 - 6 * step, 160, 60, 80), track_id=2),
        )
        drawer.draw(picture(), FrameReading(step, step / 25, readings))
    first = seen[0::2]
    assert sum(a != b for a, b in itertools.pairwise(first)) <= 1


def test_sizes_follow_the_picture(make_reading):
    def share(scale):
        image = picture(480 * scale, 640 * scale)
        box = tuple(v * scale for v in (200, 150, 120, 150))
        return len(changed(image, annotate(image, FrameReading(0, 0.0, (make_reading(box),))))) / (
            image.size / 3
        )

    assert share(4) == pytest.approx(share(1), rel=0.25)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (24, 24), (60, 200)])
def test_tiny_pictures(make_reading, shape):
    image = picture(*shape)
    reading = make_reading((0, 0, shape[1], shape[0]), doubt=Doubt.SMALL)
    assert annotate(image, FrameReading(0, 0.0, (reading,))).shape == image.shape


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_pictures_are_written(tmp_path, name):
    image = picture()
    image[:, :320] = (255, 0, 0)
    write_picture(tmp_path / name, image)
    read = np.asarray(PIL.Image.open(tmp_path / name))
    assert np.abs(read.astype(int) - image).max() <= (0 if name.endswith("png") else 8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_full_disk_leaves_no_half_picture(tmp_path, small_disk, name):
    image = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    with pytest.raises(OutputError, match="cannot be written"), small_disk(2000):
        write_picture(tmp_path / name, image)
    assert list(tmp_path.iterdir()) == []
