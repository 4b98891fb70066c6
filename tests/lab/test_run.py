"""The folder of a run, the average of its weights, and its progress."""

from dataclasses import dataclass
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.run import Progress, Run, WeightAverage  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_average_of_weights():
    net = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    torch.nn.init.constant_(net[0].weight, 1.0)
    average = WeightAverage(net, 0.5)
    expected = 1.0
    for step in range(1, 30):
        with torch.no_grad():
            net[0].weight.fill_(float(step))
            net[1].num_batches_tracked += 1
        average.update(net)
        share = min(0.5, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * step
        assert float(average.net[0].weight) == pytest.approx(expected, rel=1e-5)
    assert int(average.net[1].num_batches_tracked) == 29
    assert not average.net[0].weight.requires_grad
    assert not average.net.training


@dataclass(frozen=True)
class Tiny:
    """A configuration."""

    folder: Path
    rate: float = 0.1


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch, read_curve):
    run = Run(tmp_path / "run", Tiny(tmp_path), resume=False)
    assert run.load() is None
    run.save({"epoch": 1}, {"loss": 1.0})

    def fail(state, path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        run.save({"epoch": 2}, {"loss": 0.5})
    monkeypatch.undo()
    again = Run(tmp_path / "run", Tiny(tmp_path), resume=True)
    assert again.load() == {"epoch": 1}
    assert len(read_curve(tmp_path / "run")) == 1


def test_progress_speaks_once_a_minute(monkeypatch, caplog):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("mien_lab.training.run.time.monotonic", lambda: next(clock))
    progress = Progress(total=10, done=4)
    with caplog.at_level("INFO"):
        for _ in range(6):
            progress.step("epoch 1")
    assert len(caplog.records) == 2
    assert " 70.0 %  ETA 1 min  epoch 1" in caplog.text
