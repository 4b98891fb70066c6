import sys
import time

import pytest

from mien.core.errors import InputError, MediaError
from mien.vision.camera import CameraSource, find_camera, open_camera


@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux")
def test_what_sources_mean_on_linux(tmp_path):
    film = tmp_path / "film.mp4"
    film.touch()
    assert find_camera("0") == CameraSource("camera 0", "/dev/video0", "v4l2")
    assert find_camera("/dev/video2") == CameraSource("/dev/video2", "/dev/video2", "v4l2")
    assert find_camera(str(film)).film
    stream = find_camera("rtsp://anna:secret@host/1")
    assert stream.target == "rtsp://anna:secret@host/1"
    assert stream.name == "rtsp://host/1"
    assert find_camera("http://host/a.mjpg").form is None


@pytest.mark.parametrize("source", ["nothing.mp4", "", "gopher://host/1", "file:///etc/passwd"])
def test_other_sources_are_refused(source):
    with pytest.raises(InputError) as caught:
        find_camera(source)
    assert "\n" not in str(caught.value)


def test_a_camera_that_is_not_there():
    with pytest.raises(MediaError, match="camera 93 cannot be opened"):
        open_camera(find_camera("93"))


def test_an_address_where_nothing_listens():
    with pytest.raises(MediaError, match="cannot be opened"):
        open_camera(find_camera("http://127.0.0.1:9/none.mjpg"))


def test_a_film_is_played_at_its_own_speed(make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4", times=[0, 0.1, 0.2, 0.3])
    began = time.monotonic()
    with open_camera(find_camera(str(film))) as stream:
        times = [frame.time_s for frame in stream]
    assert times == pytest.approx([0, 0.1, 0.2, 0.3])
    assert 0.29 <= time.monotonic() - began < 2


def test_a_camera_stream_has_times_of_arrival(make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4", times=[0, 50, 100])
    # A file opened like a camera: what its own clock says does not count.
    with open_camera(CameraSource("camera", str(film))) as stream:
        times = []
        with pytest.raises(MediaError, match="no more pictures"):
            times.extend(frame.time_s for frame in stream)
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] < 10
