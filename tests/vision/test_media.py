import contextlib
import gc
import io
import os
import re
import tracemalloc
import warnings
import weakref
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageOps
import pytest

from mien.core.errors import InputError, MediaError, MienError, TooLargeError, TruncatedError
from mien.core.media import Frame, MediaKind
from mien.vision import images, media, video
from mien.vision.media import open_media
from mien.vision.orientation import Orientation
from mien.vision.sources import find_sources


def noise(height=40, width=60, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)


def encoded(picture, form, **options):
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def only(source, **options) -> Frame:
    with open_media(source, **options) as stream:
        frames = list(stream)
    assert len(frames) == 1
    return frames[0]


def is_one_sentence(error: BaseException) -> bool:
    text = str(error)
    return len(text) > 20 and "\n" not in text and not text.endswith(".")


def test_a_first_frame_decoded_ahead_is_the_first_delivered(tmp_path):
    pages = [PIL.Image.fromarray(noise() // (index + 1)) for index in range(3)]
    path = tmp_path / "a.gif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with open_media(path) as plain, open_media(path) as ahead:
        ahead.decode_first()
        for one, other in zip(plain, ahead, strict=True):
            assert (one.index, one.time_s) == (other.index, other.time_s)
            assert np.array_equal(one.image, other.image)


def test_a_fault_found_ahead_comes_when_it_is_due(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(PIL.Image.fromarray(noise(200, 200)), "PNG")[:60])
    with open_media(path) as stream:
        stream.decode_first()
        with pytest.raises(MediaError):
            next(stream)


# Arrays


def test_rgb_array_is_passed_through():
    array = noise()
    with open_media(array) as stream:
        assert (stream.media.kind, stream.media.width, stream.media.height) == ("image", 60, 40)
        assert np.array_equal(next(stream).image, array)


def test_grey_array_becomes_rgb():
    array = noise(channels=1)
    assert np.array_equal(only(array).image, np.stack([array] * 3, axis=2))
    assert np.array_equal(only(array[:, :, np.newaxis]).image, np.stack([array] * 3, axis=2))


def test_transparent_parts_of_an_array_lie_over_white():
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, :, 3] = 255
    image = only(array).image
    assert (image[0] == 0).all()
    assert (image[1] == 255).all()


def test_array_slices_become_contiguous():
    image = only(noise()[:, ::-1]).image
    assert image.flags.c_contiguous
    assert np.array_equal(image, noise()[:, ::-1])


def test_what_numpy_and_python_call_an_array_or_bytes_is_read():
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
def test_bad_arrays_are_refused(array, words):
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
def test_bad_options_are_refused(option):
    with pytest.raises(InputError):
        open_media(noise(), **option)


def test_pillow_images_are_read():
    assert np.array_equal(only(PIL.Image.fromarray(noise())).image, noise())
    with pytest.raises(InputError, match="hold pixels"):
        open_media(PIL.Image.new("RGB", (0, 3)))
    with pytest.raises(TooLargeError, match="<image> has 20x10 pixels"):
        open_media(PIL.Image.new("RGB", (20, 10)), max_pixels=199)


# Pictures


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "QOI"])
def test_lossless_forms_are_exact_whatever_the_name(form, tmp_path):
    path = tmp_path / "picture.mp4"
    path.write_bytes(encoded(PIL.Image.fromarray(noise()), form))
    with open_media(path) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        assert stream.media.source == str(path)
        assert np.array_equal(next(stream).image, noise())


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_forms_are_read_from_bytes(form):
    array = np.full((32, 48, 3), (200, 100, 50), np.uint8)
    if form == "AVIF" and not PIL.features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    image = only(encoded(PIL.Image.fromarray(array), form)).image
    assert np.abs(image.astype(int) - array).max() < 12


def test_exif_orientation_is_applied():
    stored = np.zeros((20, 30, 3), np.uint8)
    stored[:10, :15] = 255
    for tag in range(1, 9):
        picture = PIL.Image.fromarray(stored)
        exif = PIL.Image.Exif()
        exif[0x0112] = tag
        data = encoded(picture, "PNG", exif=exif.tobytes())
        expected = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data))))
        assert np.array_equal(only(PIL.Image.open(io.BytesIO(data))).image, expected)
        with open_media(data) as stream:
            image = next(stream).image
            assert (stream.media.height, stream.media.width) == expected.shape[:2]
        assert np.array_equal(image, expected), tag


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_exif_orientation_of_a_tiff_is_applied_once(tag, compression):
    options = {"tiffinfo": {0x0112: tag}, "compression": compression}
    data = encoded(PIL.Image.fromarray(noise(20, 30)), "TIFF", **options)
    expected = Orientation.from_exif(tag).apply(noise(20, 30))
    with open_media(data) as stream:
        assert (stream.media.height, stream.media.width) == expected.shape[:2]
        assert np.array_equal(next(stream).image, expected)
    lazy, loaded = (PIL.Image.open(io.BytesIO(data)) for _ in range(2))
    loaded.load()
    for picture in (lazy, loaded, loaded.copy()):
        assert np.array_equal(only(picture).image, expected)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_exif_orientation_is_applied_to_animations(form):
    frames = [PIL.Image.fromarray(noise(20, 40)), PIL.Image.new("RGB", (40, 20), "red")]
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    options = {"save_all": True, "append_images": frames[1:], "exif": exif.tobytes()}
    with open_media(encoded(frames[0], form, lossless=True, **options)) as stream:
        assert (stream.media.width, stream.media.height) == (20, 40)
        images = [frame.image for frame in stream]
    assert np.array_equal(images[0], np.rot90(np.asarray(frames[0]), -1))
    assert images[1].shape == (40, 20, 3)


def test_damaged_exif_is_passed_over():
    data = encoded(PIL.Image.fromarray(noise()), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff")
    assert only(data).image.shape == (40, 60, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    data = encoded(PIL.Image.fromarray(ramp), "PNG")
    assert np.array_equal(only(data).image[:, :, 1].ravel(), np.arange(256))


def test_32_bit_grey_is_of_eight_bits_unless_it_holds_more():
    for top, form in ((255, "I"), (65535, "I"), (255, "I;16")):
        ramp = np.linspace(0, top, 256).round().reshape(16, 16)
        kind = np.int32 if form == "I" else np.uint16
        picture = PIL.Image.fromarray(ramp.astype(kind))
        assert picture.mode == form
        expected = np.arange(256) if form == "I" else [0] * 129 + [1] * 127
        for source in (picture, encoded(picture, "TIFF")):
            assert np.array_equal(only(source).image[:, :, 1].ravel(), expected), (top, form)


def test_sixteen_bit_colour_is_scaled_not_clipped():
    ramp = np.zeros((1, 256, 3), np.uint16)
    ramp[0, :, 2] = np.arange(256) * 257
    data = cv2.imencode(".png", ramp)[1].tobytes()
    assert only(data).image[0, :, 0].tolist() == list(range(256))


def test_floating_point_grey():
    data = encoded(PIL.Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF")
    assert only(data).image[0, :, 0].tolist() == [0, 128, 255]
    data = encoded(PIL.Image.fromarray(np.array([[0, np.nan]], np.float32)), "TIFF")
    with pytest.raises(MediaError, match="between 0 and 1"):
        only(data)


def test_palette_grey_bilevel_and_alpha():
    colours = PIL.Image.fromarray(np.full((8, 8, 3), (10, 200, 90), np.uint8))
    assert only(encoded(colours.quantize(4), "PNG")).image[3, 3].tolist() == [10, 200, 90]
    assert only(encoded(PIL.Image.new("L", (8, 8), 77), "PNG")).image[0, 0].tolist() == [77] * 3
    assert only(encoded(PIL.Image.new("1", (8, 8), 1), "PNG")).image[0, 0].tolist() == [255] * 3
    clear = PIL.Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert only(encoded(clear, "PNG")).image[0, 0].tolist() == [255] * 3
    assert only(encoded(PIL.Image.new("LA", (8, 8), (0, 0)), "PNG")).image[0, 0, 0] == 255
    palette = PIL.Image.new("P", (8, 8), 0)
    palette.putpalette([9, 9, 9])
    assert only(encoded(palette, "PNG", transparency=0)).image[0, 0].tolist() == [255] * 3


def test_cmyk_jpeg():
    data = encoded(PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")
    red, green, blue = only(data).image[8, 8].tolist()
    assert red > 230
    assert max(green, blue) < 30


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_extreme_shapes(size):
    frame = only(encoded(PIL.Image.new("RGB", size, "red"), "PNG"))
    assert frame.image.shape == (size[1], size[0], 3)


def test_pages_of_a_tiff_beyond_the_first_are_left_with_a_warning(caplog):
    first = PIL.Image.fromarray(noise())
    data = encoded(first, "TIFF", save_all=True, append_images=[first, first])
    assert np.array_equal(only(data).image, noise())
    assert "3 pages" in caplog.text


def test_enormous_pictures_are_refused_from_the_header(monkeypatch):
    # One bit per pixel: 200 megapixels in a few kilobytes.
    data = encoded(PIL.Image.new("1", (20_000, 10_000)), "PNG")

    def never(picture):
        raise AssertionError("decoded")

    monkeypatch.setattr(images, "to_rgb", never)
    limit = PIL.Image.MAX_IMAGE_PIXELS
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TooLargeError) as caught:
            open_media(data)
        stream = open_media(data, max_pixels=200_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for words in ("20000x10000", "200 million", "100 million", "--max-pixels", "max_pixels="):
        assert words in str(caught.value)
    assert is_one_sentence(caught.value)
    assert (stream.media.width, stream.media.height) == (20_000, 10_000)
    assert limit == PIL.Image.MAX_IMAGE_PIXELS
    assert peak < 20_000_000


def test_the_limit_holds_to_the_pixel():
    assert only(encoded(PIL.Image.new("RGB", (10, 10)), "PNG"), max_pixels=100)
    with pytest.raises(
        TooLargeError, match=r"has 10x10 pixels \(100\), above the limit of 99; raise"
    ):
        open_media(encoded(PIL.Image.new("RGB", (10, 10)), "PNG"), max_pixels=99)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_truncated_pictures_name_the_file_and_the_cause(form, share, tmp_path):
    data = encoded(PIL.Image.fromarray(noise(80, 80)), form)
    path = tmp_path / f"half.{form.lower()}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaError) as caught:
        only(path)
    assert str(path) in str(caught.value)
    assert is_one_sentence(caught.value)
    assert isinstance(caught.value, TruncatedError) or form == "WEBP"


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_cut_tiff_of_several_pages_is_no_animation(share):
    picture = PIL.Image.fromarray(noise(80, 80))
    data = encoded(picture, "TIFF", save_all=True, append_images=[picture])
    with open_media(data[: int(len(data) * share)]) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        if share > 0.5:
            assert np.array_equal(next(stream).image, noise(80, 80))
        else:
            with pytest.raises(TruncatedError, match="is cut off"):
                next(stream)


def test_damage_within_an_avif_is_named():
    data = bytearray(encoded(PIL.Image.fromarray(noise()), "AVIF"))
    data[data.index(b"mdat") + 4 :] = bytes(len(data))
    with pytest.raises(MediaError, match="damaged"):
        only(bytes(data))
    data = data.replace(b"iloc", b"free")
    with pytest.raises(MediaError, match="damaged"):
        only(bytes(data))


def test_a_webp_beyond_what_pillow_reads_is_too_large():
    data = bytearray(encoded(PIL.Image.fromarray(noise()), "WEBP", lossless=True))
    place = data.index(b"VP8L") + 9
    # Fourteen bits each of width and height, less one.
    size = int.from_bytes(data[place : place + 4], "little") | 0xFFFFFFF
    data[place : place + 4] = size.to_bytes(4, "little")
    with pytest.raises(TooLargeError, match="make it smaller"):
        open_media(bytes(data), max_pixels=10**9)


def test_a_truncated_pillow_image_is_named_like_a_file():
    data = encoded(PIL.Image.fromarray(noise(80, 80)), "JPEG")
    picture = PIL.Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(TruncatedError) as caught:
        open_media(picture)
    assert is_one_sentence(caught.value)


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
def test_files_that_are_no_pictures(content, words, tmp_path):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words) as caught:
        open_media(path)
    assert str(path) in str(caught.value)
    assert is_one_sentence(caught.value)


def test_paths_that_cannot_be_opened(tmp_path, monkeypatch):
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


def test_file_names_that_are_not_unicode(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    try:
        Path(path).write_bytes(encoded(PIL.Image.fromarray(noise()), "PNG"))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    with open_media(path) as stream:
        stream.media.source.encode("utf-8")
        assert next(stream).image.shape == (40, 60, 3)


# Animations


def animation(form, durations, **options):
    pictures = [PIL.Image.fromarray(np.full((16, 24, 3), 40 * i, np.uint8)) for i in range(4)]
    return encoded(
        pictures[0],
        form,
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        **options,
    )


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animations_have_their_own_times(form):
    with open_media(animation(form, [50, 100, 200, 70])) as stream:
        assert stream.media.kind is MediaKind.ANIMATION
        assert stream.media.frame_count == 4
        frames = list(stream)
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.05, 0.15, 0.35])
    assert [int(frame.image.mean()) for frame in frames] == pytest.approx([0, 40, 80, 120], abs=3)


def test_stand_in_picture_of_an_animated_png_is_left_out():
    with open_media(animation("PNG", [100, 200, 70], default_image=True)) as stream:
        frames = list(stream)
        assert stream.media.frame_count == 3
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.3])
    assert frames[0].image.mean() == 40


def test_stand_in_picture_of_an_animated_png_with_one_frame_is_not_what_is_read():
    pictures = [PIL.Image.fromarray(np.full((16, 24, 3), level, np.uint8)) for level in (200, 40)]
    data = encoded(
        pictures[0], "PNG", save_all=True, append_images=pictures[1:], default_image=True
    )
    with open_media(data) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        assert [int(frame.image.mean()) for frame in stream] == [40]


def test_every_keeps_index_and_time():
    frames = list(open_media(animation("GIF", [50, 100, 200, 70]), every=2))
    assert [(frame.index, round(frame.time_s, 3)) for frame in frames] == [(0, 0.0), (2, 0.15)]


def test_frames_without_duration_last_a_tenth_of_a_second():
    frames = list(open_media(animation("GIF", 0)))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_cut_animation_delivers_what_is_there():
    pictures = [
        PIL.Image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 60, 3), np.uint8))
        for i in range(4)
    ]
    data = encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    frames = []
    with pytest.raises(TruncatedError, match="breaks off"):
        frames.extend(collect(open_media(data[: len(data) * 6 // 10]), frames))
    assert len(frames) >= 2


def collect(stream, frames):
    for frame in stream:
        frames.append(frame)
    return []


# Films


def test_film_with_uneven_times(make_film, tmp_path):
    times = [0, 0.1, 0.15, 0.4, 0.45, 1.2, 1.21]
    path = make_film(tmp_path / "a.mp4", times)
    with open_media(path) as stream:
        assert stream.media.kind is MediaKind.VIDEO
        assert (stream.media.width, stream.media.height) == (64, 48)
        assert stream.media.frame_count == 7
        frames = list(stream)
    assert [frame.index for frame in frames] == list(range(7))
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=1e-4)
    assert [frame.image[40, 60, 2] for frame in frames] == pytest.approx(
        [8 * i for i in range(7)], abs=4
    )
    assert frames[0].image[5, 5, 0] > 230
    assert frames[0].image.dtype == np.uint8


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.ts", "a.avi", "no_extension", "wrong.jpg"])
def test_containers(make_film, tmp_path, name):
    options = {
        "no_extension": {"form": "mp4"},
        "wrong.jpg": {"form": "matroska"},
        "a.avi": {"codec": "mpeg4", "clock": Fraction(1, 10)},
    }
    times = [i / 10 for i in range(12)]
    path = make_film(tmp_path / name, times, **options.get(name, {}))
    with open_media(path) as stream:
        assert [frame.time_s for frame in stream] == pytest.approx(times, abs=2e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.asf"])
def test_the_length_of_a_film_counts_from_its_first_frame(make_film, tmp_path, name):
    times = [5 + i / 10 for i in range(20)]
    options = {"codec": "mpeg4", "clock": Fraction(1, 10)} if name == "a.asf" else {}
    with open_media(make_film(tmp_path / name, times, **options)) as stream:
        assert stream.media.start_s == 5
        assert stream.media.duration_s == pytest.approx(1.95, abs=0.06)


def test_decoded_pictures_are_let_go_at_once(make_film, tmp_path):
    """A cycle of references would keep them until garbage is collected: gigabytes a minute."""
    path = make_film(tmp_path / "a.mp4", [i / 10 for i in range(30)])
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in open_media(path):
            pass
        gc.collect()
        kept = sum(isinstance(thing, av.VideoFrame) for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert kept <= 2


def test_film_from_bytes_and_every(make_film):
    data = make_film(io.BytesIO(), form="mp4").getvalue()
    frames = list(open_media(data, every=7))
    assert [frame.index for frame in frames] == [0, 7, 14]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.7, 1.4])


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
def test_rotated_phone_film_stands_upright(make_film, tmp_path, rotation):
    path = make_film(tmp_path / "phone.mp4", rotation=rotation)
    expected = np.rot90(np.zeros((48, 64)), rotation // 90).shape
    with open_media(path) as stream:
        assert (stream.media.height, stream.media.width) == expected
        image = next(stream).image
    assert image.shape[:2] == expected
    # The red quarter, stored top left, turned counter-clockwise.
    red = np.zeros((48, 64))
    red[:24, :32] = 1
    assert np.array_equal(image[:, :, 0] > 125, np.rot90(red, rotation // 90) > 0)


def test_mirrored_display_matrix():
    one = 1 << 16
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)

    def turned(a, b, c, d):
        matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)
        return Orientation.from_display_matrix(matrix.tobytes()).apply(image)

    assert np.array_equal(turned(one, 0, 0, one), image)
    assert np.array_equal(turned(-one, 0, 0, one), image[:, ::-1])
    assert np.array_equal(turned(one, 0, 0, -one), image[::-1])
    assert np.array_equal(turned(0, one, one, 0), image.T)


def test_cut_film_delivers_the_readable_part_then_names_the_fault(make_film, tmp_path):
    times = [i / 10 for i in range(100)]
    cases = {
        "a.mp4": {"options": {"movflags": "faststart"}},
        "a.mkv": {},
        "a.avi": {"codec": "mpeg4", "clock": Fraction(1, 10)},
    }
    for name, options in cases.items():
        whole = make_film(tmp_path / name, times, **options)
        data = whole.read_bytes()
        half = tmp_path / f"half_{name}"
        half.write_bytes(data[: len(data) * 6 // 10])
        frames = []
        with open_media(half) as stream, pytest.raises(TruncatedError) as caught:
            collect(stream, frames)
        assert 20 < len(frames) < 90, name
        assert [frame.time_s for frame in frames] == pytest.approx(times[: len(frames)], abs=2e-3)
        assert str(half) in str(caught.value)
        assert is_one_sentence(caught.value)


def test_whole_films_raise_no_alarm(make_film, tmp_path):
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = make_film(tmp_path / name, sound="aac")
        assert len(list(open_media(path))) == 20, name


def test_how_far_a_film_was_read_is_told_in_its_own_times(make_film, tmp_path):
    path = make_film(
        tmp_path / "a.ts", [i / 10 for i in range(60)], options={"output_ts_offset": "3600"}
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 188 // 2 * 188
    del data[middle : middle + 8 * 188]
    path.write_bytes(data)
    frames = []
    with open_media(path) as stream, pytest.raises(TruncatedError) as caught:
        collect(stream, frames)
    read_s = float(re.search(r"up to ([\d.]+) s", str(caught.value))[1])
    assert read_s == pytest.approx(frames[-1].time_s, abs=0.2)


def test_film_cut_before_its_index(make_film, tmp_path):
    path = make_film(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(TruncatedError, match="index"):
        open_media(path)


def test_film_cut_within_its_first_frame(make_film, tmp_path):
    path = make_film(tmp_path / "a.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75") + 40])
    with pytest.raises(TruncatedError, match=r"ends at 0\.00 s of") as caught:
        open_media(path)
    assert is_one_sentence(caught.value)


def test_damage_in_the_middle_does_not_lose_the_rest(make_film, tmp_path):
    path = make_film(
        tmp_path / "a.mp4", [i / 10 for i in range(60)], options={"movflags": "faststart"}
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = os.urandom(400)
    path.write_bytes(data)
    frames = []
    with open_media(path) as stream, contextlib.suppress(TruncatedError):
        collect(stream, frames)
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(5.9, abs=0.2)


def test_a_film_that_no_decoder_knows_is_refused_with_what_to_do(make_film, tmp_path):
    path = make_film(tmp_path / "a.avi", codec="mpeg4", clock=Fraction(1, 10))
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(MediaError, match="cannot be decoded; convert it to MP4") as caught:
        open_media(path)
    assert is_one_sentence(caught.value)


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no video stream"):
        open_media(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.txt", "a"])
def test_films_are_read_whatever_their_name(make_film, tmp_path, name):
    film = make_film(tmp_path / "a.mpg").rename(tmp_path / name)
    with open_media(film) as stream:
        assert stream.media.kind is MediaKind.VIDEO
        assert len(list(stream)) > 1


def test_large_films_are_refused(make_film, tmp_path):
    with pytest.raises(TooLargeError, match="max_pixels="):
        open_media(make_film(tmp_path / "a.mp4"), max_pixels=64 * 48 - 1)


def test_films_that_grow_beyond_the_limit_are_refused_there(growing_film):
    frames = []
    with (
        open_media(growing_film, max_pixels=5000) as stream,
        pytest.raises(TooLargeError, match="320x240"),
    ):
        collect(stream, frames)
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * len(frames)
    assert frames


def test_closing_early_frees_the_file(make_film, tmp_path):
    stream = open_media(make_film(tmp_path / "a.mp4"))
    next(stream)
    stream.close()
    assert list(stream) == []
    stream.close()


def test_iteration_is_lazy(make_film, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("mien.vision.video.Frame", lambda *a: made.append(a) or Frame(*a))
    with open_media(make_film(tmp_path / "a.mp4")) as stream:
        next(stream)
        assert len(made) == 1


# Finding


def test_folders_are_searched_recursively_in_order(tmp_path):
    for name in ("b.JPG", "a/c.png", "a/notes.txt", ".hidden/d.png", ".e.png", "z/f.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = find_sources([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found.paths] == [
        "b.JPG",
        "a/c.png",
        "z/f.mp4",
    ]
    assert found.failures == []


def test_files_patterns_and_repetitions(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.odd", "[x].png"):
        (tmp_path / name).touch()
    folder = str(tmp_path)
    found = find_sources([f"{folder}/c.odd", f"{folder}/*.jpg", f"{folder}/[x].png", folder])
    assert [path.name for path in found.paths] == ["c.odd", "a.jpg", "b.jpg", "[x].png"]


def test_patterns_over_folders(tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "one" / "two" / "a.jpg").touch()
    assert [p.name for p in find_sources([f"{tmp_path}/*"]).paths] == ["a.jpg"]
    assert [p.name for p in find_sources([f"{tmp_path}/**/*.jpg"]).paths] == ["a.jpg"]


def test_what_cannot_be_found_is_reported_and_the_rest_kept(tmp_path, monkeypatch):
    good = tmp_path / "good"
    good.mkdir()
    (good / "a.jpg").touch()
    (tmp_path / "empty").mkdir()
    locked = good / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    pattern = f"{tmp_path}/**/a.png"
    paths = [tmp_path / "gone.jpg", tmp_path / "empty", good, f"{tmp_path}/*.gif", locked, pattern]
    found = find_sources(paths)
    assert [path.name for path in found.paths] == ["a.jpg"]
    sentences = [str(error) for _, error in found.failures]
    for words in ("does not exist", "holds no picture", "Permission denied", "no file matches"):
        assert any(words in sentence for sentence in sentences), words
    assert len(sentences) == 6
    assert (
        sentences[-1]
        == f"folder {locked} cannot be read (Permission denied); check its permissions"
    )
    assert all(
        isinstance(error, MienError) and is_one_sentence(error) for _, error in found.failures
    )


def test_pipes_in_folders_and_patterns_are_passed_over(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for source in (tmp_path, tmp_path / "*.jpg", tmp_path / "**"):
        found = find_sources([source])
        assert [path.name for path in found.paths] == ["a.jpg", "gone.jpg"]


def test_pipes_sockets_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, kind in ((tmp_path / "pipe.jpg", "pipe"), ("/dev/null", "socket or device")):
        with pytest.raises(MediaError, match=f"is a {kind}, not a file; save what") as caught:
            open_media(path)
        assert is_one_sentence(caught.value)


def test_patterns_do_not_follow_links_to_folders(tmp_path, monkeypatch):
    for name in ("a.jpg", "one/b.jpg", "one/[two]/c.jpg", ".hidden/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for name in ("loop", "round", "one/again"):
        (tmp_path / name).symlink_to(tmp_path)
    names = ["a.jpg", "b.jpg", "c.jpg"]
    monkeypatch.chdir(tmp_path)
    for pattern in ("**/*.jpg", "**", "**/**/*.jpg", f"{tmp_path}/**/?.jpg", f"{tmp_path}/l*/**"):
        assert sorted(path.name for path in find_sources([pattern]).paths) == names, pattern
    assert [path.name for path in find_sources(["**/one/*.jpg"]).paths] == ["b.jpg"]
    assert [path.name for path in find_sources(["**/[[]two]/**/*"]).paths] == ["c.jpg"]


def test_a_file_is_read_once_however_it_is_spelled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    spellings = ["a.jpg", "./a.jpg", tmp_path / "a.jpg", "sub/../a.jpg", "*.jpg", tmp_path]
    assert find_sources(spellings).paths == [Path("a.jpg"), Path("b.jpg")]


@pytest.mark.parametrize("address", ["http://example.com/x.jpg", "https://example.com/x?a=[1]"])
def test_addresses_are_to_be_downloaded(address):
    ((name, error),) = find_sources([address]).failures
    assert (name, str(error)) == (
        address, f"{address} does not exist; download it first, mien reads no addresses"
    )  # fmt: skip


def test_an_empty_path_is_not_the_folder_at_hand():
    for call in (lambda: open_media(""), lambda: find_sources(["a.jpg", ""])):
        with pytest.raises(InputError, match="path is empty; name a picture") as caught:
            call()
        assert is_one_sentence(caught.value)


def test_the_facade_names_what_it_offers():
    assert all(hasattr(media, name) for name in media.__all__)


def test_a_film_that_is_abandoned_lets_go_of_its_decoder(make_film, tmp_path):
    path = make_film(tmp_path / "a.mp4", times=[0, 1, 2])
    gc.collect()
    gc.disable()
    try:
        with open_media(path) as stream:
            next(stream)
        del stream
        assert not [one for one in gc.get_objects() if isinstance(one, video._Decoder)]
    finally:
        gc.enable()


def test_a_path_of_bytes_within_an_object(tmp_path):
    PIL.Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    (entry,) = os.scandir(os.fsencode(tmp_path))
    with open_media(entry) as stream:
        assert stream.media.source == str(tmp_path / "a.png")
    assert find_sources([entry]).paths == [tmp_path / "a.png"]


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


def test_pillow_keeps_no_pixels_while_a_frame_is_used(monkeypatch):
    def noted(*arguments):
        picture = identify(*arguments)
        seen.append(weakref.ref(picture))
        return picture

    identify, seen = images._identify, []
    monkeypatch.setattr(images, "_identify", noted)
    with open_media(encoded(PIL.Image.new("RGB", (60, 40)), "PNG")) as stream:
        next(stream)
        gc.collect()
        assert seen[0]() is None


def test_a_picture_that_needs_more_memory_than_there_is(tmp_path, monkeypatch):
    def greedy(picture):
        raise MemoryError

    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "to_rgb", greedy)
    sentence = r"a\.png needs more memory than there is"
    with open_media(tmp_path / "a.png") as stream, pytest.raises(TooLargeError, match=sentence):
        next(stream)


@pytest.mark.parametrize(("every", "ends"), [(1, [0.1, 0.3, 0.6]), (2, [0.3, 0.6]), (3, [0.6])])
def test_frames_of_an_animation_say_when_they_end(tmp_path, every, ends):
    pictures = [PIL.Image.new("L", (32, 32), grey) for grey in (0, 100, 200)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 200, 300])
    with open_media(path, every=every) as stream:
        assert [frame.ends_s for frame in stream] == pytest.approx(ends)
