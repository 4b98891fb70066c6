import os
import sys

import numpy as np
import pytest

from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.report.annotations import AnnotationFolder
from mien.vision.media import open_media


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_sound_is_copied_from_a_file_whose_name_is_no_utf8(make_film, tmp_path, sound_packets):
    source = tmp_path / os.fsdecode(b"\xff.mp4")
    make_film(tmp_path / "a.mp4", sound="aac").rename(source)
    folder = AnnotationFolder(tmp_path / "out", [source])
    with open_media(source) as stream, folder.open(stream.media) as clip:
        for frame in stream:
            clip.write(frame, FrameReading(frame.index, frame.time_s, ()))
    (clip,) = (tmp_path / "out").iterdir()
    assert sound_packets(clip) == sound_packets(source)


def test_folder_of_annotations(make_film, make_reading, tmp_path):
    folder = AnnotationFolder(tmp_path / "out" / "deep")
    image = np.full((200, 300, 3), 90, np.uint8)
    sources = ["one/face.jpg", "two/face.jpeg", "three/face.png", "<array>"]
    for source in sources:
        with folder.open(Media(source, MediaKind.IMAGE, 300, 200)) as annotator:
            annotator.write(Frame(image), FrameReading(0, 0.0, (make_reading(),)))
    film = make_film(tmp_path / "film.mkv")
    with open_media(film) as stream, folder.open(stream.media) as annotator:
        for frame in stream:
            annotator.write(frame, FrameReading(frame.index, frame.time_s, ()))
    large = np.zeros((1, 70_000, 3), np.uint8)
    with folder.open(Media("large.tif", MediaKind.IMAGE, 70_000, 1)) as annotator:
        annotator.write(Frame(large), FrameReading(0, 0.0, ()))
    assert sorted(path.name for path in folder.folder.iterdir()) == [
        "array.annotated.jpg",
        "face-2.annotated.jpg",
        "face.annotated.jpg",
        "face.annotated.png",
        "film.annotated.mp4",
        "large.annotated.png",
    ]
