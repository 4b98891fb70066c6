import itertools
import sys
import threading
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import av.error
import numpy as np
import PIL.Image
import pytest

from mien.core.errors import InputError, MediaError
from mien.core.media import MediaKind
from mien.vision import video
from mien.vision.camera import CameraSource, find_camera, open_camera
from mien.vision.media import open_media


class Slow:
    """A packet that is slow to decode."""

    def __init__(self, packet, clock, seconds):
        self.packet, self.clock, self.seconds = packet, clock, seconds

    def __getattr__(self, name):
        return getattr(self.packet, name)

    def decode(self):
        self.clock.sleep(self.seconds)
        return self.packet.decode()


@pytest.fixture
def stopped(monkeypatch, clock):
    """Time advances only while waiting."""
    monkeypatch.setattr("mien.vision.arrival.time", clock)
    monkeypatch.setattr("mien.vision.camera.time", clock)


@pytest.fixture
def slow_packets(monkeypatch, clock, stopped):
    """Time advances while waiting, and by a number of seconds per decoded packet of a film."""

    def slow(seconds):
        read = video._Decoder._packets

        def packets(decoder):
            return (Slow(packet, clock, seconds) for packet in read(decoder))

        monkeypatch.setattr(video._Decoder, "_packets", packets)

    return slow


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
    assert find_camera("http://host/a.mjpg").input_format is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://anna:p@ss@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("http://cam/video?user=anna&password=secret", "http://cam/video"),
        ("rtsp://anna:p?ss@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("http://cam/@home", "http://cam/@home"),
        (
            "rtsp://cam:554/user=admin&password=secret&channel=1&stream=0.sdp",
            "rtsp://cam:554/user=admin&password=&channel=1&stream=0.sdp",
        ),
    ],
)
def test_names_of_addresses_hold_no_password(address, name):
    source = find_camera(address)
    assert (source.name, source.target) == (name, address)


def test_cameras_have_names_instead_of_numbers_on_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InputError, match="video="):
        find_camera("0")
    source = find_camera("video=Integrated Camera")
    assert (source.target, source.input_format) == ("video=Integrated Camera", "dshow")


def test_cameras_of_a_mac_are_asked_for_a_rate_that_they_have(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    source = find_camera("1")
    assert source == CameraSource("camera 1", "1", "avfoundation", {"framerate": "30"})
    assert find_camera("rtsp://host/1").options == {"rtsp_transport": "tcp"}


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


def test_a_film_is_played_at_its_own_speed(make_film, tmp_path, clock, stopped):
    film = make_film(tmp_path / "film.mp4", times=[0, 0.1, 0.2, 0.3])
    began = clock.now
    with open_camera(find_camera(str(film))) as stream:
        seen = [(frame.time_s, clock.now - began, frame.arrived_s - began) for frame in stream]
    assert seen == [pytest.approx((step / 10,) * 3) for step in range(4)]


def test_the_clock_of_a_film_starts_before_its_pictures_are_decoded(
    make_film, tmp_path, clock, slow_packets
):
    film = make_film(tmp_path / "film.mp4", times=[0, 0.1, 0.2, 0.3])
    slow_packets(0.03)
    with open_camera(find_camera(str(film))) as stream:
        delays = [clock.now - frame.arrived_s for frame in stream]
    assert delays == pytest.approx([0.03] * 4)


def test_what_a_decoder_that_is_too_slow_leaves_waiting_has_come_in(
    make_film, tmp_path, clock, slow_packets
):
    film = make_film(tmp_path / "film.mp4", times=[0, 0.1, 0.2, 0.3])
    slow_packets(0.15)
    with open_camera(find_camera(str(film))) as stream:
        delays = [clock.now - frame.arrived_s for frame in stream]
    assert delays == pytest.approx([0.15, 0.2, 0.25, 0.3])


def test_the_wait_in_a_decoder_that_holds_pictures_back_counts(
    make_film, tmp_path, clock, stopped, monkeypatch
):
    def frame_threads(stream):
        stream.thread_type, stream.codec_context.thread_count = "FRAME", 3

    monkeypatch.setattr("mien.vision.video.use_low_delay_decoding", frame_threads)
    film = make_film(tmp_path / "film.mp4", times=[n / 10 for n in range(8)])
    with open_camera(find_camera(str(film))) as stream:
        delays = [clock.now - frame.arrived_s for frame in stream]
    assert delays[:6] == pytest.approx([0.2] * 6)


def test_pictures_that_are_sent_early_come_at_an_even_pace(tmp_path, clock, stopped):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as output:
        options = {"bf": "2", "b_strategy": "0", "b-pyramid": "none"}
        stream = output.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(12):
            image = np.full((48, 64, 3), index * 20, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    with open_camera(find_camera(str(path))) as stream:
        seen = [(frame.time_s, clock.now, clock.now - frame.arrived_s) for frame in stream]
    times, moments, delays = np.array(seen).T
    assert times == pytest.approx(np.arange(12) / 10)
    assert np.diff(moments) == pytest.approx(0.1)
    # Only waiting in the decoder counts, not waiting for data that were not sent yet.
    assert delays.min() == pytest.approx(0)
    assert delays.max() == pytest.approx(0.1)


def test_pictures_without_times_are_played_at_the_rate_of_their_film(
    make_film, tmp_path, clock, stopped
):
    film = make_film(tmp_path / "film.h264", times=[0, 0.1, 0.2, 0.3], form="h264")
    began = clock.now
    with open_camera(find_camera(str(film))) as stream:
        times = [frame.time_s for frame in stream]
    assert times[-1] > 0
    assert clock.now - began == pytest.approx(times[-1])


def test_an_animation_is_played_at_its_own_speed_and_tells_no_arrival(tmp_path, clock, stopped):
    path = tmp_path / "animation.gif"
    pictures = [PIL.Image.new("L", (16, 16), shade) for shade in (0, 100, 200)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=200)
    began = clock.now
    with open_camera(find_camera(str(path))) as stream:
        seen = [(clock.now - began, frame.arrived_s) for frame in stream]
    assert [moment for moment, _ in seen] == pytest.approx([0, 0.2, 0.4])
    assert [arrived_s for _, arrived_s in seen] == [None] * 3


def test_the_clock_of_a_camera_starts_when_a_packet_comes_before_it_is_decoded(
    make_film, tmp_path, clock, stopped, monkeypatch
):
    from mien.vision import camera

    class Stalling:
        """A camera that sends one packet per second and is slow to decode."""

        def __init__(self, container):
            self.container = container

        def __getattr__(self, name):
            return getattr(self.container, name)

        def demux(self, **streams):
            for packet in self.container.demux(**streams):
                clock.sleep(1.0)
                yield Slow(packet, clock, 0.05)

    film = make_film(tmp_path / "film.mp4", times=[0, 0.1, 0.2])
    opened = av.open
    monkeypatch.setattr(camera.av, "open", lambda *a, **k: Stalling(opened(*a, **k)))
    with open_camera(CameraSource("camera", str(film))) as stream:
        seen = [
            (clock.now - frame.arrived_s, frame.time_s) for frame in itertools.islice(stream, 3)
        ]
    assert seen == [pytest.approx((0.05, step * 1.05)) for step in range(3)]


class NotYet:
    """An AVFoundation camera, which has no frame ready `waits` times before each packet."""

    def __init__(self, container, waits):
        self.container, self.waits, self.left = container, waits, waits
        self.packets = container.demux(video=0)

    def __getattr__(self, name):
        return getattr(self.container, name)

    def demux(self, **_):
        while True:
            if self.left:
                self.left -= 1
                raise av.error.BlockingIOError(35, "Resource temporarily unavailable")
            self.left = self.waits
            packet = next(self.packets, None)
            if packet is None:
                return
            yield packet


@pytest.fixture
def open_mac(monkeypatch, make_film, tmp_path, stopped):
    """Opens such a camera, which refuses some options; also returns the options that were tried."""
    from mien.vision import camera

    film = make_film(tmp_path / "film.mp4", times=[n / 10 for n in range(6)])
    opened = av.open

    def start(waits, refused=()):
        tried = []

        def connect(*_, options, **__):
            tried.append(options)
            if options in refused:
                raise av.error.ArgumentError(22, "Invalid argument")
            return NotYet(opened(str(film)), waits)

        monkeypatch.setattr(camera.av, "open", connect)
        source = CameraSource("camera 0", "0", "avfoundation", {"framerate": "30"})
        return open_camera(source), tried

    return start


def test_a_camera_that_has_no_picture_ready_is_asked_again(open_mac):
    stream, tried = open_mac(waits=3)
    with stream:
        times = [frame.time_s for frame in itertools.islice(stream, 6)]
    assert times == pytest.approx([0.015 * n for n in range(6)])
    assert tried == [{"framerate": "30"}]


def test_a_camera_that_never_has_a_picture_ready_is_lost(open_mac, clock):
    stream, _ = open_mac(waits=10**9)
    began = clock.now
    with stream, pytest.raises(MediaError, match=r"camera 0 was lost \(no answer within 5 s\)"):
        next(stream)
    assert clock.now - began == pytest.approx(5, abs=0.1)


def test_a_camera_of_another_rate_is_opened_at_its_own(open_mac):
    stream, tried = open_mac(waits=0, refused=[{"framerate": "30"}])
    with stream:
        assert next(stream).image.shape == (48, 64, 3)
    assert tried == [{"framerate": "30"}, {}]
    with pytest.raises(MediaError, match="camera 0 cannot be opened"):
        open_mac(waits=0, refused=[{"framerate": "30"}, {}])


def test_a_camera_stream_has_times_of_arrival(make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4", times=[0, 50, 100])
    # A file opened like a camera: its own timestamps are ignored.
    with open_camera(CameraSource("camera", str(film))) as stream:
        times = []
        with pytest.raises(MediaError, match="no more pictures"):
            times.extend(frame.time_s for frame in stream)
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] < 10


def test_a_camera_whose_form_no_decoder_knows(make_film, tmp_path):
    path = make_film(tmp_path / "a.avi", codec="mpeg4", clock=Fraction(1, 10))
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(MediaError, match=r"^camera 0 sends pictures .* cannot be decoded; set it"):
        open_camera(CameraSource("camera 0", str(path)))


def test_a_damaged_packet_costs_its_picture_alone(monkeypatch, make_film, tmp_path):
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
        pts = 18_000

        def decode(self):
            raise av.error.InvalidDataError(1, "damaged")

    with av.open(str(film)) as container:
        assert len(list(camera._pictures(Damaged(container)))) == 5
    monkeypatch.setattr(camera, "MAX_DAMAGED_PACKETS", 0)
    with av.open(str(film)) as container, pytest.raises(av.error.InvalidDataError):
        list(camera._pictures(Damaged(container)))


@pytest.fixture
def serve():
    """Serves bytes over HTTP, then waits; returns the address."""
    done, servers = threading.Event(), []

    def start(content, wait_s):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
                done.wait(wait_s)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/film.ts"

    yield start
    done.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_network_stream_is_read_to_its_end(serve, make_film, tmp_path):
    film = make_film(tmp_path / "film.ts", times=[n / 10 for n in range(30)]).read_bytes()
    shapes = []
    with open_camera(find_camera(serve(film, 0))) as stream:
        assert stream.media.kind is MediaKind.CAMERA
        with pytest.raises(MediaError, match=r"was lost|no more pictures"):
            shapes.extend(frame.image.shape for frame in stream)
    assert shapes == [(48, 64, 3)] * 30


@pytest.mark.parametrize("form", ["hls", "matroska", "mpegts", "flv"])
def test_what_comes_in_bursts_is_played_at_its_own_speed(make_film, tmp_path, clock, form, stopped):
    """As in HLS, whose segments last some seconds."""
    options = {"hls_flags": "omit_endlist", "hls_list_size": "0"} if form == "hls" else {}
    times = [n / 10 for n in range(20)]
    path = make_film(tmp_path / "film.m3u8", times=times, form=form, options=options)
    with open_camera(CameraSource("stream", f"file://{path}")) as stream:
        seen = [
            (frame.time_s, clock.now - frame.arrived_s) for frame in itertools.islice(stream, 15)
        ]
    assert seen == [pytest.approx((n / 10, 0)) for n in range(15)]


def test_a_stream_that_stalls_is_lost(serve, monkeypatch, make_film, tmp_path):
    from mien.vision import camera

    film = make_film(tmp_path / "film.ts", times=[n / 10 for n in range(30)]).read_bytes()
    monkeypatch.setattr(camera, "READ_S", 0.5)
    began = time.monotonic()
    with (
        pytest.raises(MediaError, match=r"was lost|no more pictures"),
        open_camera(find_camera(serve(film[: len(film) * 2 // 3], 20))) as stream,
    ):
        for _ in stream:
            pass
    assert time.monotonic() - began < 15


def test_pictures_of_a_network_stream_stand_upright(serve, make_film, tmp_path):
    path = tmp_path / "phone.mp4"
    make_film(path, times=[n / 10 for n in range(5)], rotation=90)
    with open_media(path) as stream:
        expected = next(stream).image.shape
    # The index at the end of the MP4 is needed first.
    with open_camera(find_camera(serve(path.read_bytes(), 0))) as stream:
        assert next(stream).image.shape == expected == (64, 48, 3)
