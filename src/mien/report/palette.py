"""One colour per expression, distinguishable with normal and colour-blind vision."""

from mien.core.labels import Emotion

__all__ = ["ACCENT", "COLOURS", "INK", "MUTED", "PALE", "PANEL", "Colour"]

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

# After Okabe and Ito, "Color Universal Design" (2008), with grey for black and lighter blues for
# contrast with the dark panel. The name of the expression always accompanies its colour.
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
