"""One colour per expression, told apart with normal and with colour-blind eyes."""

from mien.core.labels import Emotion

__all__ = ["ACCENT", "COLOURS", "INK", "MUTED", "PALE", "PANEL", "Colour"]

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

# After Okabe and Ito, "Color Universal Design" (2008); black became grey and the blues lighter, so
# that each stands out from the dark panel. Names are always written beside them.
COLOURS: dict[Emotion, Colour] = {
    Emotion.NEUTRAL: (204, 204, 204),
    Emotion.HAPPINESS: (250, 234, 80),
    Emotion.SURPRISE: (242, 158, 31),
    Emotion.SADNESS: (64, 140, 232),
    Emotion.ANGER: (234, 84, 45),
    Emotion.DISGUST: (22, 168, 121),
    Emotion.FEAR: (214, 124, 182),
    Emotion.CONTEMPT: (96, 205, 240),
}
PANEL: Colour = (17, 21, 28)
INK: Colour = (246, 248, 250)
MUTED: Colour = (160, 170, 182)
PALE: Colour = (214, 219, 226)
ACCENT: Colour = (255, 205, 120)
