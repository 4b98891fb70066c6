from mien.core.media import Media, MediaKind


def test_media_to_dict():
    media = Media("film.mp4", MediaKind.VIDEO, 640, 480, frame_count=9, duration_s=0.3)
    assert media.to_dict() == {
        "source": "film.mp4", "kind": "video", "width": 640, "height": 480,
    }  # fmt: skip
