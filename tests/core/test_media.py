from mien.core.media import Media, MediaKind


def test_media_to_dict():
    media = Media("film.mp4", MediaKind.VIDEO, 640, 480, frame_count=9, duration_s=0.3)
    assert media.to_dict() == {
        "source": "film.mp4", "kind": "video", "width": 640, "height": 480,
    }  # fmt: skip


def test_frames_of_which_some_are_left_out():
    media = Media("film.mp4", MediaKind.VIDEO, 640, 480, frame_count=9)
    assert [media.frames_at(every) for every in (1, 2, 4, 9, 10)] == [9, 5, 3, 1, 1]
    assert Media("film.mkv", MediaKind.VIDEO, 640, 480).frames_at(2) is None
