"""Configuration of a training run of the expression network."""

from dataclasses import dataclass, field
from pathlib import Path

from mien_lab.training.augmentation import Augmentation

__all__ = ["ExpressionConfig"]


@dataclass(frozen=True)
class ExpressionConfig:
    """Everything that determines the result of a run, including the seed."""

    fer_dir: Path
    faces_dir: Path | None = None
    """Folder of additional photographs with expression labels, or None."""
    epochs: int = 50
    batch: int = 128
    part: int = 64
    """Size of the ghost batches, whose faces are normalised together.

    Ghost batches smaller than the batch generalise better (Hoffer et al., "Train longer, generalize
    better", NeurIPS 2017). Processes that train together share the ghost batches of a batch.
    """
    shape: str = "wide"
    """Architecture, a key of `SHAPES`."""
    start: Path | None = None
    """Folder of a run whose weights to start from; None for random initialisation."""
    rate: float = 0.1
    """Peak learning rate of SGD; linear warm-up, then cosine decay to zero."""
    warmup_epochs: float = 2.0
    momentum: float = 0.9
    """Nesterov momentum."""
    decay: float = 5e-4
    """Weight decay."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights."""
    mixup: float = 0.2
    """Both parameters of the beta distribution (Zhang et al., "mixup", ICLR 2018)."""
    fer_weight: float = 0.75
    """Weight of the loss of the FER2013 head."""
    fer_smoothing: float = 0.45
    """Label smoothing of FER2013 targets towards P(label | FER+ votes).

    Labels by a single person are often wrong, and the votes show which; see `labels_given_votes`.
    """
    sizes: tuple[tuple[float, int], ...] = ((0.4, 32), (0.8, 40), (1.0, 48))
    """Progressive resizing: crop size in pixels up to each share of the epochs.

    Smaller crops are cheaper.
    """
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    groups: Path | None = None
    """CSV with `name` (the row of FER2013 in five digits) and one column of groups.

    Faces are balanced so that labels are independent of groups.
    """
    balance: float = 1.0
    """Strength of the balancing, 0 to 1; see `balancing_weights` and `sampling_chances`."""
    balancing: str = "weights"
    """One of `BALANCINGS`.

    With weights, faces without a group are one more group. With sampling, they and photographs keep
    their unbalanced frequency.
    """
    fold: int | None = None
    """Fold to hold out, for out-of-fold predictions by `mien-lab teach`; None trains on all."""
    folds: int = 3
    """Number of folds."""
    teachers: Path | None = None
    """File of out-of-fold predictions by `mien-lab teach`, mixed into the targets; or None."""
    emotion_teaching: float = 0.3
    """Share of the teachers' predictions in vote distributions."""
    fer_teaching: float = 0.4
    """Share of the teachers' predictions in FER2013 targets."""
    tutor: Path | None = None
    """Folder of weights exported with `--bare` for online distillation; see `Tutor`."""
    tutor_share: float = 0.7
    """Share of the tutor's predictions in both targets.

    Photographs, whose labels lean to neutral, have the tutor's predictions as their only targets.
    """
    limit: int | None = None
    """Maximum number of faces; for tests."""
    compile: bool = True
    """Whether to compile the network with `torch.compile`."""
