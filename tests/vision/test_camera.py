import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


def test_a_damaged_packet_costs_its_picture_alone(monkeypatch, make_film, tmp_path):
    import av
    import av.error

    from mien.vision import camera

    film = make_film(tmp_path / "film.mp4", times=[n / 10 for n in range(6)])

    class Damaged:
        """A container whose third packet cannot be decoded."""

        def __init__(self, container):
            self.container = container

        def demux(self, **streams):
            for number, packet in enumerate(self.container.demux(**streams)):
                yield Broken() if number == 2 else packet

    class Broken:
        def decode(self):
            raise av.error.InvalidDataError(1, "damaged")

    with av.open(str(film)) as container:
        assert len(list(camera._pictures(Damaged(container)))) == 5
    monkeypatch.setattr(camera, "MOST_DAMAGED", 0)
    with av.open(str(film)) as container, pytest.raises(av.error.InvalidDataError):
        list(camera._pictures(Damaged(container)))


def test_a_stream_that_stalls_is_lost(monkeypatch, make_film, tmp_path):
    from mien.vision import camera

    film = make_film(tmp_path / "film.ts", times=[n / 10 for n in range(30)]).read_bytes()
    done = threading.Event()

    class Stalling(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(film[: len(film) * 2 // 3])
            self.wfile.flush()
            done.wait(20)

        def log_message(self, *_):
            pass

    monkeypatch.setattr(camera, "READ_S", 0.5)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    began = time.monotonic()
    try:
        address = f"http://127.0.0.1:{server.server_port}/film.ts"
        with (
            pytest.raises(MediaError, match=r"was lost|no more pictures"),
            open_camera(find_camera(address)) as stream,
        ):
            for _ in stream:
                pass
    finally:
        done.set()
        server.shutdown()
        server.server_close()
    assert time.monotonic() - began < 15
