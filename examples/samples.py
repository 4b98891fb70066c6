"""Sample media: NASA's portrait of Eileen Collins, as scikit-image carries it, and a clip of it.

The photograph is in the public domain. The clip moves, tilts and darkens it, so that there is
something to follow.
"""

import math
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image
from skimage import data

WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 25, 4


def main(folder: Path, camera: bool = False) -> None:
    """Write astronaut.png and astronaut.mp4 into the folder, and camera media if asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = np.ascontiguousarray(data.astronaut())
    Image.fromarray(portrait).save(folder / "astronaut.png")
    write_clip(folder / "astronaut.mp4", portrait)
    if camera:
        Image.fromarray(portrait[:288, 80:400]).save(folder / "portrait.jpg", quality=95)
        write_camera(folder / "camera.mjpeg", portrait)


def write_clip(path: Path, picture: np.ndarray) -> None:
    """Write four seconds of a camera that sways over the picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        for index in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(view(picture, index / (RATE * SECONDS)), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_camera(path: Path, picture: np.ndarray) -> None:
    """Write what Chromium's made-up camera plays: JPEG pictures one after the other."""
    with path.open("wb") as file:
        for index in range(RATE * SECONDS):
            Image.fromarray(view(picture, index / (RATE * SECONDS))).save(file, "JPEG", quality=90)


def view(picture: np.ndarray, phase: float) -> np.ndarray:
    """The picture as the camera sees it at a phase between 0 and 1."""
    turn = 2 * math.pi * phase
    face = (224.0, 130.0)
    matrix = cv2.getRotationMatrix2D(face, 8 * math.sin(turn), 1.35 + 0.35 * math.sin(2 * turn))
    matrix[:, 2] += np.array([WIDTH / 2 + 60 * math.sin(turn), HEIGHT * 0.42]) - face
    shown = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    light = 0.85 + 0.15 * math.cos(turn)
    return (shown * light).astype(np.uint8)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("name the folder to write to: samples.py FOLDER [--camera]")
    main(Path(sys.argv[1]), camera="--camera" in sys.argv[2:])
