import numpy as np
import PIL.Image
import pytest

from mien.core.errors import MediaError, TooLargeError
from mien.vision.media import open_media


def test_a_first_frame_decoded_ahead_is_the_first_delivered(tmp_path, noise):
    pages = [PIL.Image.fromarray(noise() // (index + 1)) for index in range(3)]
    path = tmp_path / "a.gif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with open_media(path) as plain, open_media(path) as ahead:
        ahead.decode_first()
        for one, other in zip(plain, ahead, strict=True):
            assert (one.index, one.time_s) == (other.index, other.time_s)
            assert np.array_equal(one.image, other.image)


def test_a_fault_found_ahead_comes_when_it_is_due(tmp_path, noise, encoded):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(PIL.Image.fromarray(noise(200, 200)), "PNG")[:60])
    with open_media(path) as stream:
        stream.decode_first()
        with pytest.raises(MediaError):
            next(stream)


def test_the_limit_holds_to_the_pixel(encoded, only):
    assert only(encoded(PIL.Image.new("RGB", (10, 10)), "PNG"), max_pixels=100)
    with pytest.raises(
        TooLargeError, match=r"has 10x10 pixels \(100\), above the limit of 99 \(max_pixels\)"
    ):
        open_media(encoded(PIL.Image.new("RGB", (10, 10)), "PNG"), max_pixels=99)


def test_closing_early_frees_the_file(make_film, tmp_path):
    stream = open_media(make_film(tmp_path / "a.mp4"))
    next(stream)
    stream.close()
    assert list(stream) == []
    stream.close()
