"""The folder of a run, the average of its weights, and its progress."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.training.learner import Learner, WeightAverage  # noqa: E402
from mien_lab.training.run import (  # noqa: E402
    Progress,
    Run,
    read_checkpoint,
    read_config,
)
from mien_lab.training.steps import (  # noqa: E402
    CLIP,
    annealed,
    mixed_precision,
    require_finite,
)

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
    recordings: Path | None = None


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch, read_curve):
    run = Run(tmp_path / "run", Tiny(tmp_path), resume=False)
    assert run.load() == {}
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


@pytest.mark.parametrize("recordings", [Path("there"), None])
def test_a_run_goes_on_with_what_it_was_begun_with(tmp_path, recordings):
    config = Tiny(tmp_path, recordings=recordings)
    Run(tmp_path / "run", config, resume=False).save({"epoch": 1}, {"loss": 1.0})
    other = replace(config, recordings=None if recordings else Path("there"))
    with pytest.raises(InputError, match=f"was begun with recordings {recordings}; resume with"):
        Run(tmp_path / "run", other, resume=True)
    moved = replace(config, recordings=recordings and Path("elsewhere"))
    assert Run(tmp_path / "run", moved, resume=True).load() == {"epoch": 1}


def test_the_configuration_can_be_read_while_another_process_opens_the_run(tmp_path):
    config = Tiny(tmp_path)
    run = Run(tmp_path / "run", config, resume=False)
    run.save({"epoch": 1}, {"loss": 1.0})
    place, done = run.folder / "config.json", threading.Event()

    def read():
        while not done.is_set():
            json.loads(place.read_text())

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        for _ in range(300):
            Run(run.folder, config, resume=True)
        done.set()
        reading.result(10)
    assert {path.name for path in run.folder.iterdir()} == {"config.json", "curve.jsonl", "last.pt"}


def test_a_run_goes_on_without_options_that_are_no_more(tmp_path):
    config = Tiny(tmp_path)
    run = Run(tmp_path / "run", config, resume=False)
    run.save({"epoch": 1}, {"loss": 1.0})
    place = run.folder / "config.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"run_dir": "x", "resume": False}))
    assert Run(tmp_path / "run", config, resume=True).load() == {"epoch": 1}


@pytest.mark.parametrize(
    "spoil", [lambda loss: loss * float("nan"), lambda loss: loss + (0 * loss).abs().sqrt()]
)
def test_a_step_moves_weights_and_average_or_neither(spoil):
    learner = trained(1)
    net, average = learner.net, learner.average
    before = [part.weight.detach().clone() for part in (net, average.net)]
    with pytest.raises(FloatingPointError, match="nan in epoch 1, step 3"):
        learner.descend(spoil(net(torch.ones(1, 3)).sum()), 0, 2)
    assert torch.equal(net.weight, before[0])
    assert torch.equal(average.net.weight, before[1])
    learner.begin_step(0.1)
    learner.descend(1e3 * net(torch.ones(1, 3)).sum(), 0, 2)
    assert torch.nn.utils.get_total_norm([p.grad for p in net.parameters()]) == pytest.approx(CLIP)
    assert (net.weight < before[0]).all()
    assert not torch.equal(average.net.weight, before[1])


def trained(seed):
    """A network after one step."""
    torch.manual_seed(seed)
    net = torch.nn.Linear(3, 1)
    learner = Learner(net, 0.5, torch.optim.AdamW(net.parameters()))
    learner.begin_step(0.1)
    learner.descend(net(torch.ones(1, 3)).sum(), 0, 0)
    return learner


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_bfloat16_is_used_where_the_processor_has_it(monkeypatch, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, name: True})
    with mixed_precision(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16


@pytest.mark.parametrize("able", [{}, {"avx2": True, "avx512_f": True, "avx512_bf16": False}])
def test_bfloat16_is_not_emulated(monkeypatch, able):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    with mixed_precision(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


def test_what_was_kept_is_restored(tmp_path):
    run = Run(tmp_path / "run", Tiny(tmp_path), resume=False)
    learner = trained(1)
    assert learner.restore(run.load(), 9) == 0
    run.keep(learner.state() | {"more": 7}, {"epoch": 2, "loss": 0.5})
    state = run.load()
    assert state["more"] == 7
    other = trained(2)
    assert other.restore(state, 9) == 2
    assert other.average.steps == 18
    assert torch.equal(other.net.weight, learner.net.weight)
    assert torch.equal(other.average.net.weight, learner.average.net.weight)
    moments = [one.state()["optimiser"]["state"][0]["exp_avg"] for one in (other, learner)]
    assert torch.equal(*moments)


@pytest.mark.parametrize("length", [0, 40, 1000])
def test_a_checkpoint_that_was_cut_off_is_one_sentence(tmp_path, length):
    run = Run(tmp_path / "run", Tiny(tmp_path), resume=False)
    run.keep(trained(1).state(), {"epoch": 1})
    content = run.checkpoint_file.read_bytes()
    for damaged in (content[:length], b"no checkpoint"):
        run.checkpoint_file.write_bytes(damaged)
        with pytest.raises(InputError, match=r"last\.pt is no checkpoint, or only a part of one"):
            run.load()


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match=r"none holds no run, since it has no config\.json"):
        read_config(tmp_path / "none")
    with pytest.raises(InputError, match=r"last\.pt is missing; name a run"):
        read_checkpoint(tmp_path / "last.pt")


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_configuration_that_is_none(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json is no configuration of a run"):
        read_config(tmp_path)


def test_the_rate_warms_up_and_falls():
    rates = [annealed(0.1, step / 1000, step) for step in range(1001)]
    peak = int(np.argmax(rates))
    assert peak == 199
    assert rates[peak] == pytest.approx(0.1, rel=0.1)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] == pytest.approx(0.001)


def test_what_is_no_number_says_how_to_go_on():
    require_finite(1.0, 0, 0)
    with pytest.raises(FloatingPointError) as first:
        require_finite(float("nan"), 0, 2)
    assert str(first.value) == (
        "the loss became nan in epoch 1, step 3; begin again in another folder with a lower --rate"
    )
    with pytest.raises(FloatingPointError, match=r"inf in epoch 2, .* lower --rate; --start or"):
        require_finite(torch.tensor(float("inf")), 1, 0, "gradient")


def test_progress_speaks_once_a_minute(monkeypatch, caplog):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("mien_lab.training.run.time.monotonic", lambda: next(clock))
    progress = Progress(total=10, done=4)
    with caplog.at_level("INFO"):
        for _ in range(6):
            progress.step("epoch 1")
    assert len(caplog.records) == 2
    assert " 70.0 %  ETA 1 min  epoch 1" in caplog.text
