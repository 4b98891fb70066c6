import numpy as np
import pytest
from skimage.color import rgb2lab

from mien.core.labels import EMOTIONS
from mien.report.palette import COLOURS, INK, PANEL

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency" (2009), severity 1.0; for linear RGB.
COLOUR_BLIND = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def test_palette_colours_stand_out_from_the_panel_and_each_other():
    colours = np.array([COLOURS[emotion] for emotion in EMOTIONS], float)
    assert (np.linalg.norm(colours - np.array(PANEL), axis=1) > 120).all()
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 999 * np.eye(8)
    assert apart.min() > 60
    assert INK not in COLOURS.values()


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_colour_blind_eyes_tell_them_apart(kind):
    colours = np.array([COLOURS[emotion] for emotion in EMOTIONS]) / 255
    seen = np.clip(colours**2.2 @ np.transpose(COLOUR_BLIND[kind]), 0, 1) ** (1 / 2.2)
    lab = rgb2lab(seen)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 999 * np.eye(8)
    # A difference of 2.3 is just noticeable between adjacent colours; these are not adjacent.
    assert apart.min() > 12
