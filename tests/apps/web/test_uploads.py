import pytest

from mien.apps.web.problems import ProblemError
from mien.apps.web.uploads import MAX_NAME, _display, _Form

NOTE = b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nfile\r\n'
FILM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="K\xc3\xb6ln.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n--x some\r\n\r\n--of it\r\n"
)
OTHER = b'--x\r\nContent-Disposition: form-data; name="file"; filename="b.mp4"\r\n\r\nother\r\n'
END = b"--x--\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_a_form_comes_in_pieces_of_any_size(size):
    taken, announced = [], []
    form = _Form(b"x", taken.append, announced.append)
    body = NOTE + FILM + OTHER + NOTE + END
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    assert form.finish() == "Köln.mp4"
    assert announced == ["Köln.mp4"]
    assert b"".join(taken) == b"--x some\r\n\r\n--of it"


@pytest.mark.parametrize(
    ("boundary", "body", "why"),
    [
        (b"", b"", "it has no boundary"),
        (b"x", NOTE + END, "it has no part named `file`"),
        (b"x", FILM, "it breaks off before its closing boundary"),
        (b"y", FILM + END, "the form cannot be read"),
    ],
)
def test_what_is_wrong_with_a_form_is_told(boundary, body, why):
    def read():
        form = _Form(boundary, lambda _: None, lambda _: None)
        form.feed(body)
        form.finish()

    with pytest.raises(ProblemError, match=why) as refused:
        read()
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/film.mp4", "film.mp4"),
        ("a\x1b[2J\u202eb\n.mp4", "a[2Jb.mp4"),
        ("", "upload"),
        ("\x00", "upload"),
        ("x" * 300 + ".MP4", "x" * (MAX_NAME - 4) + ".MP4"),
        ("x." + "y" * 300, "x." + "y" * (MAX_NAME - 2)),
    ],
)
def test_what_an_upload_is_called(name, shown):
    assert _display(name) == shown
