import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien_lab.data.centerface import is_installed  # noqa: E402
from mien_lab.data.proposals import samples_of  # noqa: E402
from mien_lab.data.synthesis import SceneKind  # noqa: E402
from mien_lab.training import refiner  # noqa: E402
from mien_lab.training.detector_export import export_detector  # noqa: E402
from mien_lab.training.detector_net import DetectorNet  # noqa: E402
from mien_lab.training.refiner import RefinerConfig  # noqa: E402
from mien_lab.training.refiner_net import RefinerNet  # noqa: E402


def checkpoint(net, path):
    """What a run would have kept of a network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"average": net.state_dict()}, path)
    return path


def test_crops_are_kept_for_what_decides_them(data_dir, tmp_path, monkeypatch):
    made = []

    def noted(scene, *rest):
        made.append(scene)
        return samples_of(scene, *rest)

    monkeypatch.setattr(refiner, "samples_of", noted)
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        export_detector(checkpoint(DetectorNet(), folder / "net.pt"), folder)
    warm = checkpoint(RefinerNet(), tmp_path / "warm.pt")
    run = tmp_path / "run"
    config = RefinerConfig(
        data_dir, scenes=2, size=96, detector_weights=first, warm_start=warm, second_teacher=False
    )
    crops = refiner.gather(config, run).crops
    assert len(made) == 2
    moved = tmp_path / "moved"
    for name in ("faces", "scenes", "fer2013"):
        shutil.copytree(data_dir / name, moved / name)
    assert np.array_equal(
        refiner.gather(replace(config, data_dir=moved, epochs=9), run).crops, crops
    )
    assert len(made) == 2
    for change in (
        {"scenes": 1}, {"size": 128}, {"proposals": 0.3}, {"seed": 5}, {"cover_chance": 0.9},
        {"detector_weights": second}, {"warm_start": None},
        *([{"second_teacher": True}] if is_installed() else []),
    ):  # fmt: skip
        made.clear()
        refiner.gather(replace(config, **change), run)
        assert made, change
    made.clear()
    with monkeypatch.context() as patched:
        patched.setattr(refiner, "CYCLE", (SceneKind.PLAIN,))
        refiner.gather(config, run)
    assert made
    made.clear()
    checkpoint(RefinerNet(), warm)
    refiner.gather(config, run)
    assert len(made) == 2
    with (moved / "scenes" / "faces.csv").open("a") as file:
        file.write("\n")
    refiner.gather(replace(config, data_dir=moved), run)
    assert len(made) == 4
