import io
import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mien.core.errors import InputError, MediaError, TooLargeError, TruncatedError
from mien.vision import media
from mien.vision.media import open_media
from mien.vision.sources import find_sources

# Arrays and Pillow images


def test_rgb_array_is_passed_through(noise):
    array = noise()
    with open_media(array) as stream:
        assert (stream.media.kind, stream.media.width, stream.media.height) == ("image", 60, 40)
        assert np.array_equal(next(stream).image, array)


def test_grey_array_becomes_rgb(noise, only):
    array = noise(channels=1)
    assert np.array_equal(only(array).image, np.stack([array] * 3, axis=2))
    assert np.array_equal(only(array[:, :, np.newaxis]).image, np.stack([array] * 3, axis=2))


def test_transparent_parts_of_an_array_lie_over_white(only):
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, :, 3] = 255
    image = only(array).image
    assert (image[0] == 0).all()
    assert (image[1] == 255).all()


def test_array_slices_become_contiguous(noise, only):
    image = only(noise()[:, ::-1]).image
    assert image.flags.c_contiguous
    assert np.array_equal(image, noise()[:, ::-1])


def test_what_numpy_and_python_call_an_array_or_bytes_is_read(noise, encoded, only):
    grey = noise(channels=1)
    assert np.array_equal(only(grey.view(np.matrix)).image, only(grey).image)
    data = encoded(PIL.Image.fromarray(grey), "PNG")
    scattered = memoryview(bytes(2 * len(data)))[::2]
    with pytest.raises(MediaError, match="neither a picture nor a film"):
        open_media(scattered)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 4, 3), np.nan), ["uint8", "float64", "NaN"]),
        (np.full((4, 4, 3), np.inf, np.float32), ["uint8", "NaN or infinite"]),
        (np.full((4, 4, 3), 0.5, np.float32), ["uint8", "float32", "* 255"]),
        (np.full((4, 4, 3), 128.0), ["uint8", "float64", "clip"]),
        (np.zeros((4, 4, 3), np.int64), ["uint8", "int64"]),
        (np.zeros((4, 4), bool), ["uint8", "bool"]),
        (np.array([["a"]]), ["uint8"]),
        (np.zeros(5, np.uint8), ["(5,)", "(height, width, 3)"]),
        (np.zeros((4, 4, 2), np.uint8), ["(4, 4, 2)"]),
        (np.zeros((2, 4, 4, 3), np.uint8), ["(2, 4, 4, 3)", "one by one"]),
        (np.zeros((0, 4, 3), np.uint8), ["hold pixels"]),
    ],
)
def test_bad_arrays_are_refused(array, words, is_one_sentence):
    with pytest.raises(InputError) as caught:
        open_media(array)
    assert all(word in str(caught.value) for word in words)
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize("source", [None, 3, [1, 2], object()])
def test_other_types_are_refused(source):
    with pytest.raises(InputError, match="must be a path, bytes, an array"):
        open_media(source)


@pytest.mark.parametrize(
    "option", [{"every": 0}, {"every": "2"}, {"max_pixels": 0}, {"max_pixels": None}]
)
def test_bad_options_are_refused(option, noise):
    with pytest.raises(InputError):
        open_media(noise(), **option)


def test_pillow_images_are_read(noise, only):
    assert np.array_equal(only(PIL.Image.fromarray(noise())).image, noise())
    with pytest.raises(InputError, match="hold pixels"):
        open_media(PIL.Image.new("RGB", (0, 3)))
    with pytest.raises(TooLargeError, match="<image> has 20x10 pixels"):
        open_media(PIL.Image.new("RGB", (20, 10)), max_pixels=199)


def test_a_truncated_pillow_image_is_named_like_a_file(noise, encoded, is_one_sentence):
    data = encoded(PIL.Image.fromarray(noise(80, 80)), "JPEG")
    picture = PIL.Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(TruncatedError) as caught:
        open_media(picture)
    assert is_one_sentence(caught.value)


# Files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"this is only text\n" * 20, "neither a picture nor a film"),
        (b"#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/a.ts\n", "neither a picture nor a film"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "neither a picture nor a film"),
        (b"\xff\xd8\xff\xe0", "face.jpg is"),
        (b"\x89PNG\r\n\x1a\n", "face.jpg is"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (bytes(5000), "neither a picture nor a film"),
    ],
)
def test_files_that_are_no_pictures(content, words, tmp_path, is_one_sentence):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words) as caught:
        open_media(path)
    assert str(path) in str(caught.value)
    assert is_one_sentence(caught.value)


def test_paths_that_cannot_be_opened(tmp_path, monkeypatch, noise, encoded):
    with pytest.raises(MediaError, match="does not exist; check the path"):
        open_media(tmp_path / "none.jpg")
    with pytest.raises(MediaError, match="does not exist; download it first"):
        open_media("https://example.org/face.jpg")
    with pytest.raises(MediaError, match=r"is a folder; mien\.vision\.sources\.find_sources"):
        open_media(tmp_path)
    path = tmp_path / "locked.png"
    path.write_bytes(encoded(PIL.Image.fromarray(noise()), "PNG"))

    def locked(self, *arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(MediaError, match="Permission denied"):
        open_media(path)


def test_file_names_that_are_not_unicode(tmp_path, noise, encoded):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    try:
        Path(path).write_bytes(encoded(PIL.Image.fromarray(noise()), "PNG"))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    with open_media(path) as stream:
        stream.media.source.encode("utf-8")
        assert next(stream).image.shape == (40, 60, 3)


def test_pipes_sockets_and_devices_are_refused(tmp_path, is_one_sentence):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, kind in ((tmp_path / "pipe.jpg", "pipe"), ("/dev/null", "socket or device")):
        with pytest.raises(MediaError, match=f"is a {kind}, not a file; save what") as caught:
            open_media(path)
        assert is_one_sentence(caught.value)


def test_an_empty_path_is_not_the_folder_at_hand(is_one_sentence):
    for call in (lambda: open_media(""), lambda: find_sources(["a.jpg", ""])):
        with pytest.raises(InputError, match="path is empty; name a picture") as caught:
            call()
        assert is_one_sentence(caught.value)


def test_a_path_of_bytes_within_an_object(tmp_path):
    PIL.Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    (entry,) = os.scandir(os.fsencode(tmp_path))
    with open_media(entry) as stream:
        assert stream.media.source == str(tmp_path / "a.png")
    assert find_sources([entry]).paths == [tmp_path / "a.png"]


def test_a_given_name_stands_in_results_and_errors(tmp_path, noise, encoded):
    data = encoded(PIL.Image.fromarray(noise()), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (path, data, noise(), PIL.Image.fromarray(noise())):
        with open_media(source, name="my picture") as stream:
            assert stream.media.source == "my picture"
    for source in (path, data, PIL.Image.fromarray(noise())):
        with pytest.raises(TooLargeError, match=r"^my picture has 60x40 pixels"):
            open_media(source, max_pixels=99, name="my picture")
    with pytest.raises(MediaError, match=r"^my picture does not exist"):
        open_media(tmp_path / "b.png", name="my picture")


def test_what_to_check_of_a_path(tmp_path):
    for path in ("x" * 5000, "a\0b.jpg"):
        with pytest.raises(MediaError, match=r"; check the path$"):
            open_media(path)
        ((_, error),) = find_sources([path]).failures
        assert str(error).endswith("check the path")
    with pytest.raises(MediaError, match="check its permissions"):
        media._open_path(Refusing(), "a.jpg")


class Refusing:
    def is_dir(self):
        raise PermissionError(13, "Permission denied")


def test_the_facade_names_what_it_offers():
    assert all(hasattr(media, name) for name in media.__all__)
