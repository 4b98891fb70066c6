"""What decides the outcome of a training of the expression network."""

from dataclasses import dataclass, field
from pathlib import Path

from mien_lab.training.augmentation import Augmentation

__all__ = ["ExpressionConfig"]


@dataclass(frozen=True)
class ExpressionConfig:
    """Everything that decides the outcome of a run, with the seed."""

    fer_dir: Path
    faces_dir: Path | None = None
    """Photographs with expression labels to train on besides, or None."""
    epochs: int = 50
    batch: int = 128
    part: int = 64
    """Faces that are normalised together; smaller than the batch, the network generalises better
    (Hoffer et al., "Train longer, generalize better", NeurIPS 2017), and the processes that train
    together share the parts of a batch."""
    shape: str = "wide"
    """One of `SHAPES`."""
    start: Path | None = None
    """The folder of a run whose weights to start from, or None for random ones."""
    rate: float = 0.1
    """Peak learning rate of SGD; it warms up, then follows half a cosine to zero."""
    warmup_epochs: float = 2.0
    momentum: float = 0.9
    decay: float = 5e-4
    average: float = 0.999
    mixup: float = 0.2
    """Both parameters of the beta distribution (Zhang et al., "mixup", ICLR 2018)."""
    fer_weight: float = 0.75
    fer_smoothing: float = 0.45
    """Share of a FER2013 target that is not the label but what FER+'s votes make of it: labels
    by one person are often wrong, and the votes say which."""
    sizes: tuple[tuple[float, int], ...] = ((0.4, 32), (0.8, 40), (1.0, 48))
    """Crop size up to each share of the epochs: smaller crops first cost less."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    groups: Path | None = None
    """A CSV of groups of the faces (`name`, which is the row of FER2013 in five digits, and one
    column); faces are balanced so that no group has labels of its own."""
    balance: float = 1.0
    """Strength of that balancing, 0 to 1; see `balancing_weights` and `sampling_chances`."""
    balancing: str = "weights"
    """One of `BALANCINGS`. Under weights those of no group are balanced as one group more; by
    sampling they, and photographs, come as often as where nothing is balanced."""
    fold: int | None = None
    """The part of the faces to leave out, so that the network can teach them to another."""
    folds: int = 3
    teachers: Path | None = None
    """What such networks say, as `mien-lab teach` wrote it, to learn from besides."""
    emotion_teaching: float = 0.3
    """Share of a vote distribution that is the teachers'."""
    fer_teaching: float = 0.4
    """The same of a FER2013 target."""
    tutor: Path | None = None
    """A folder of weights to distil, exported with `--bare`: see `Tutor`."""
    tutor_share: float = 0.7
    """Share of both targets that is the tutor's; photographs, whose labels lean to neutral, are
    taught by it alone."""
    limit: int | None = None
    """Use only so many faces; for tests."""
    compile: bool = True
