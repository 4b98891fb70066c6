"""The sample portrait in the ways in which photographs come: python variants.py PORTRAIT FOLDER."""

import sys
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

ORIENTATION = 0x0112
TURNED_LEFT = 6
"""Of EXIF: the picture must be turned right by a quarter to stand upright."""
SIZES = (150, 110, 80, 60, 44)
"""Widths of small faces' pictures in pixels."""
NARROW = (320, 576)
"""Width and height in pixels of a film whose pixels are twice as wide as high."""
LATE_S = 100
RATE = 10


def main(portrait: Path, folder: Path) -> None:
    """Write one file for each way into the folder."""
    with Image.open(portrait) as opened:
        upright = opened.convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_LEFT
    upright.rotate(90, expand=True).save(folder / "turned.jpg", quality=95, exif=exif)
    upright.convert("L").save(folder / "grey.jpg", quality=95)
    upright.save(folder / "progressive.jpg", quality=95, progressive=True)
    tiled(upright).save(folder / "several.png")
    upright.save(
        folder / "moving.gif", save_all=True, append_images=[upright.rotate(5)], duration=200
    )
    film_oblong(upright, folder / "oblong.mp4")
    film_late(upright, folder / "late.mp4")


def tiled(portrait: Image.Image) -> Image.Image:
    """Small copies in a row, on grey."""
    gap = 24
    width = sum(SIZES) + gap * (len(SIZES) + 1)
    sheet = Image.new("RGB", (width, max(SIZES) + 2 * gap), (128, 128, 128))
    left = gap
    for size in SIZES:
        height = round(portrait.height * size / portrait.width)
        sheet.paste(portrait.resize((size, height), Image.Resampling.LANCZOS), (left, gap))
        left += size + gap
    return sheet


def film_oblong(portrait: Image.Image, path: Path) -> None:
    """Write a second of the portrait, to be shown twice as wide as it is kept."""
    frame = av.VideoFrame.from_image(portrait.resize(NARROW))
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *NARROW, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for _ in range(10):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def film_late(portrait: Image.Image, path: Path) -> None:
    """Write two seconds of the portrait that begin at LATE_S."""
    frame = av.VideoFrame.from_image(portrait)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *portrait.size, "yuv420p"
        for number in range(2 * RATE):
            frame.pts = LATE_S * RATE + number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
