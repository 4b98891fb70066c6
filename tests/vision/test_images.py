import gc
import io
import tracemalloc
import warnings
import weakref

import cv2
import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageOps
import pytest

from mien.core.errors import MediaError, TooLargeError, TruncatedError
from mien.core.media import MediaKind
from mien.vision import images
from mien.vision.media import open_media
from mien.vision.orientation import Orientation

# Pictures


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_forms_are_exact_whatever_the_name(form, tmp_path, noise, encoded):
    path = tmp_path / "picture.mp4"
    path.write_bytes(encoded(PIL.Image.fromarray(noise()), form))
    with open_media(path) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        assert stream.media.source == str(path)
        assert np.array_equal(next(stream).image, noise())


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_forms_are_read_from_bytes(form, encoded, only):
    array = np.full((32, 48, 3), (200, 100, 50), np.uint8)
    if form == "AVIF" and not PIL.features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    image = only(encoded(PIL.Image.fromarray(array), form)).image
    assert np.abs(image.astype(int) - array).max() < 12


def test_exif_orientation_is_applied(encoded, only):
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
def test_exif_orientation_of_a_tiff_is_applied_once(tag, compression, noise, encoded, only):
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
def test_exif_orientation_is_applied_to_animations(form, noise, encoded):
    frames = [PIL.Image.fromarray(noise(20, 40)), PIL.Image.new("RGB", (40, 20), "red")]
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    options = {"save_all": True, "append_images": frames[1:], "exif": exif.tobytes()}
    with open_media(encoded(frames[0], form, lossless=True, **options)) as stream:
        assert (stream.media.width, stream.media.height) == (20, 40)
        images = [frame.image for frame in stream]
    assert np.array_equal(images[0], np.rot90(np.asarray(frames[0]), -1))
    assert images[1].shape == (40, 20, 3)


def test_damaged_exif_is_passed_over(noise, encoded, only):
    data = encoded(PIL.Image.fromarray(noise()), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff")
    assert only(data).image.shape == (40, 60, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped(encoded, only):
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    data = encoded(PIL.Image.fromarray(ramp), "PNG")
    assert np.array_equal(only(data).image[:, :, 1].ravel(), np.arange(256))


def test_32_bit_grey_is_of_eight_bits_unless_it_holds_more(encoded, only):
    for top, form in ((255, "I"), (65535, "I"), (255, "I;16")):
        ramp = np.linspace(0, top, 256).round().reshape(16, 16)
        kind = np.int32 if form == "I" else np.uint16
        picture = PIL.Image.fromarray(ramp.astype(kind))
        assert picture.mode == form
        expected = np.arange(256) if form == "I" else [0] * 129 + [1] * 127
        for source in (picture, encoded(picture, "TIFF")):
            assert np.array_equal(only(source).image[:, :, 1].ravel(), expected), (top, form)


def test_sixteen_bit_colour_is_scaled_not_clipped(only):
    ramp = np.zeros((1, 256, 3), np.uint16)
    ramp[0, :, 2] = np.arange(256) * 257
    data = cv2.imencode(".png", ramp)[1].tobytes()
    assert only(data).image[0, :, 0].tolist() == list(range(256))


def test_floating_point_grey(encoded, only):
    data = encoded(PIL.Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF")
    assert only(data).image[0, :, 0].tolist() == [0, 128, 255]
    data = encoded(PIL.Image.fromarray(np.array([[0, np.nan]], np.float32)), "TIFF")
    with pytest.raises(MediaError, match="between 0 and 1"):
        only(data)


def test_palette_grey_bilevel_and_alpha(encoded, only):
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


def test_cmyk_jpeg(encoded, only):
    data = encoded(PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")
    red, green, blue = only(data).image[8, 8].tolist()
    assert red > 230
    assert max(green, blue) < 30


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_extreme_shapes(size, encoded, only):
    frame = only(encoded(PIL.Image.new("RGB", size, "red"), "PNG"))
    assert frame.image.shape == (size[1], size[0], 3)


def test_pages_of_a_tiff_beyond_the_first_are_left_with_a_warning(caplog, noise, encoded, only):
    first = PIL.Image.fromarray(noise())
    data = encoded(first, "TIFF", save_all=True, append_images=[first, first])
    assert np.array_equal(only(data).image, noise())
    assert "several pages" in caplog.text


def test_a_picture_with_hundreds_of_scans_is_refused(encoded, noise, only, is_one_sentence):
    data = encoded(PIL.Image.fromarray(noise()), "JPEG", progressive=True)
    assert 1 < data.count(b"\xff\xda") < 20
    assert only(data).image.shape == noise().shape
    # As in motion photographs, which have a film after the picture.
    assert only(data + 200 * b"\xff\xda").image.shape == noise().shape
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(MediaError, match="too many scans") as caught:
        open_media(data[:-2] + 100 * scan + data[-2:])
    assert is_one_sentence(caught.value)


def test_enormous_pictures_are_refused_from_the_header(monkeypatch, encoded, is_one_sentence):
    # One bit per pixel: 200 megapixels in a few kilobytes.
    data = encoded(PIL.Image.new("1", (20_000, 10_000)), "PNG")

    def never(picture):
        pytest.fail("decoded")

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
    for words in ("20000x10000", "200 million", "120 million", "(max_pixels)"):
        assert words in str(caught.value)
    assert is_one_sentence(caught.value)
    assert (stream.media.width, stream.media.height) == (20_000, 10_000)
    assert limit == PIL.Image.MAX_IMAGE_PIXELS
    assert peak < 20_000_000


def test_a_picture_that_needs_more_memory_than_there_is(tmp_path, monkeypatch):
    def greedy(picture):
        raise MemoryError

    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "to_rgb", greedy)
    sentence = r"a\.png needs more memory than there is"
    with open_media(tmp_path / "a.png") as stream, pytest.raises(TooLargeError, match=sentence):
        next(stream)


def test_pillow_keeps_no_pixels_while_a_frame_is_used(monkeypatch, encoded):
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


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_truncated_pictures_name_the_file_and_the_cause(
    form, share, tmp_path, noise, encoded, only, is_one_sentence
):
    data = encoded(PIL.Image.fromarray(noise(80, 80)), form)
    path = tmp_path / f"half.{form.lower()}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaError) as caught:
        only(path)
    assert str(path) in str(caught.value)
    assert is_one_sentence(caught.value)
    assert isinstance(caught.value, TruncatedError) or form == "WEBP"


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_cut_tiff_of_several_pages_is_no_animation(share, noise, encoded):
    picture = PIL.Image.fromarray(noise(80, 80))
    data = encoded(picture, "TIFF", save_all=True, append_images=[picture])
    with open_media(data[: int(len(data) * share)]) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        if share > 0.5:
            assert np.array_equal(next(stream).image, noise(80, 80))
        else:
            with pytest.raises(TruncatedError, match="is cut off"):
                next(stream)


def test_damage_within_an_avif_is_named(noise, encoded, only):
    data = bytearray(encoded(PIL.Image.fromarray(noise()), "AVIF"))
    data[data.index(b"mdat") + 4 :] = bytes(len(data))
    with pytest.raises(MediaError, match="damaged"):
        only(bytes(data))
    data = data.replace(b"iloc", b"free")
    with pytest.raises(MediaError, match="damaged"):
        only(bytes(data))


def test_a_webp_beyond_what_pillow_reads_is_too_large(noise, encoded):
    data = bytearray(encoded(PIL.Image.fromarray(noise()), "WEBP", lossless=True))
    place = data.index(b"VP8L") + 9
    # Fourteen bits each of width and height, less one.
    size = int.from_bytes(data[place : place + 4], "little") | 0xFFFFFFF
    data[place : place + 4] = size.to_bytes(4, "little")
    with pytest.raises(TooLargeError, match="make it smaller"):
        open_media(bytes(data), max_pixels=10**9)


# Animations


@pytest.fixture
def animation(encoded):
    """Encode four images of increasing brightness, with durations in milliseconds."""

    def make(form, durations, **options):
        pictures = [PIL.Image.fromarray(np.full((16, 24, 3), 40 * i, np.uint8)) for i in range(4)]
        return encoded(
            pictures[0],
            form,
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            **options,
        )

    return make


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animations_have_their_own_times(form, animation):
    with open_media(animation(form, [50, 100, 200, 70])) as stream:
        assert stream.media.kind is MediaKind.ANIMATION
        assert stream.media.frame_count == 4
        frames = list(stream)
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.05, 0.15, 0.35])
    assert [int(frame.image.mean()) for frame in frames] == pytest.approx([0, 40, 80, 120], abs=3)


def test_stand_in_picture_of_an_animated_png_is_left_out(animation):
    with open_media(animation("PNG", [100, 200, 70], default_image=True)) as stream:
        frames = list(stream)
        assert stream.media.frame_count == 3
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.3])
    assert frames[0].image.mean() == 40


def test_stand_in_picture_of_an_animated_png_with_one_frame_is_not_what_is_read(encoded):
    pictures = [PIL.Image.fromarray(np.full((16, 24, 3), level, np.uint8)) for level in (200, 40)]
    data = encoded(
        pictures[0], "PNG", save_all=True, append_images=pictures[1:], default_image=True
    )
    with open_media(data) as stream:
        assert stream.media.kind is MediaKind.IMAGE
        assert [int(frame.image.mean()) for frame in stream] == [40]


def test_every_keeps_index_and_time(animation):
    frames = list(open_media(animation("GIF", [50, 100, 200, 70]), every=2))
    assert [(frame.index, round(frame.time_s, 3)) for frame in frames] == [(0, 0.0), (2, 0.15)]


def test_frames_without_duration_last_a_tenth_of_a_second(animation):
    frames = list(open_media(animation("GIF", 0)))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize(("every", "ends"), [(1, [0.1, 0.3, 0.6]), (2, [0.3, 0.6]), (3, [0.6])])
def test_frames_of_an_animation_say_when_they_end(tmp_path, every, ends):
    pictures = [PIL.Image.new("L", (32, 32), grey) for grey in (0, 100, 200)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 200, 300])
    with open_media(path, every=every) as stream:
        assert [frame.ends_s for frame in stream] == pytest.approx(ends)


def test_a_grey_gif_whose_later_frames_have_no_palette(encoded):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pictures = [PIL.Image.fromarray(level) for level in (ramp, ramp // 2)]
    data = encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    assert [int(frame.image.max()) for frame in open_media(data)] == [255, 127]


def test_an_animation_that_grows_beyond_the_limit_is_refused_there(collect):
    # 10x10 pixels, and then one pixel at (500, 500).
    data = bytes.fromhex(
        "4749463839610a000a00800000000000ff0000"
        "21f90400050000002c00000000010001000002024c0100"
        "21f90400050000002cf401f401010001000002024c0100"
        "3b"
    )
    frames = []
    with pytest.raises(TooLargeError, match="501x501"):
        collect(open_media(data, max_pixels=1000), frames)
    assert [frame.image.shape for frame in frames] == [(10, 10, 3)]


def test_raw_photographs_are_not_read_from_their_thumbnail(encoded, noise, is_one_sentence):
    thumbnail = encoded(PIL.Image.fromarray(noise()), "TIFF", tiffinfo={254: 1})
    with pytest.raises(MediaError, match="is a raw photograph") as caught:
        open_media(thumbnail)
    assert is_one_sentence(caught.value)


def test_cut_animation_delivers_what_is_there(encoded, collect):
    pictures = [
        PIL.Image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 60, 3), np.uint8))
        for i in range(4)
    ]
    data = encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    frames = []
    with pytest.raises(TruncatedError, match="breaks off"):
        frames.extend(collect(open_media(data[: len(data) * 6 // 10]), frames))
    assert len(frames) >= 2
