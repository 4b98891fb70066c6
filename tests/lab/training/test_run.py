"""The folder of a run, and its progress."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.training.run import (  # noqa: E402
    Progress,
    Run,
    averaged,
    read_checkpoint,
    read_config,
)

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class Part:
    """A part of a configuration."""

    noise: float = 0.5
    blur: float = 0.1


@dataclass(frozen=True)
class Tiny:
    """A configuration."""

    folder: Path
    rate: float = 0.1
    recordings: Path | None = None
    faces_dir: Path | None = None
    part: Part = Part()


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


@pytest.mark.parametrize("name", ["recordings", "faces_dir"])
@pytest.mark.parametrize("data", [Path("there"), None])
def test_a_run_goes_on_with_what_it_was_begun_with(tmp_path, name, data):
    config = Tiny(tmp_path, **{name: data})
    Run(tmp_path / "run", config, resume=False).save({"epoch": 1}, {"loss": 1.0})
    other = replace(config, **{name: None if data else Path("there")})
    with pytest.raises(InputError, match=f"was begun with {name} {data}; resume with"):
        Run(tmp_path / "run", other, resume=True)
    moved = replace(config, **{name: data and Path("elsewhere")})
    assert Run(tmp_path / "run", moved, resume=True).load() == {"epoch": 1}


def test_options_added_to_a_part_of_the_configuration_have_their_defaults(tmp_path):
    config = Tiny(tmp_path, part=Part(noise=0.2))
    run = Run(tmp_path / "run", config, resume=False)
    run.save({"epoch": 1}, {"loss": 1.0})
    place = run.folder / "config.json"
    before = json.loads(place.read_text()) | {"part": {"noise": 0.2, "removed": 1}}
    place.write_text(json.dumps(before))
    for part in (Part(noise=0.2, blur=0.3), Part(noise=0.5)):
        with pytest.raises(InputError, match=r"was begun with part\.(blur 0\.1|noise 0\.2);"):
            Run(tmp_path / "run", replace(config, part=part), resume=True)
    assert Run(tmp_path / "run", config, resume=True).load() == {"epoch": 1}


def test_weights_alone_are_not_resumed(trained):
    weights = {"average": trained(1).state()["average"]}
    with pytest.raises(InputError, match=r"has weights only.*--start"):
        trained(2).restore(weights, 1)


@pytest.mark.parametrize(
    "content", [{"average": {"other": torch.ones(1)}}, {"weight": torch.ones(1, 3)}, [1]]
)
def test_what_is_no_checkpoint_of_the_network_is_one_sentence(trained, tmp_path, content):
    net = trained(1).net
    right, wrong = tmp_path / "right.pt", tmp_path / "wrong.pt"
    torch.save({"average": net.state_dict()}, right)
    torch.save(content, wrong)
    assert averaged(net, [right, right]) is net
    with pytest.raises(InputError, match=r"wrong\.pt is not a checkpoint"):
        averaged(net, [right, wrong])


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


def test_what_was_kept_is_restored(trained, tmp_path):
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
def test_a_checkpoint_that_was_cut_off_is_one_sentence(trained, tmp_path, length):
    run = Run(tmp_path / "run", Tiny(tmp_path), resume=False)
    run.keep(trained(1).state(), {"epoch": 1})
    content = run.checkpoint_file.read_bytes()
    for damaged in (content[:length], b"no checkpoint"):
        run.checkpoint_file.write_bytes(damaged)
        with pytest.raises(
            InputError, match=r"last\.pt is not a checkpoint, or only a part of one"
        ):
            run.load()


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match=r"none holds no run, since it has no config\.json"):
        read_config(tmp_path / "none")
    with pytest.raises(InputError, match=r"last\.pt is missing; name a run"):
        read_checkpoint(tmp_path / "last.pt")


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_configuration_that_is_none(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json is not the configuration of a run"):
        read_config(tmp_path)


def test_progress_speaks_once_a_minute(monkeypatch, caplog):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("mien_lab.training.run.time.monotonic", lambda: next(clock))
    progress = Progress(total=10, done=4)
    with caplog.at_level("INFO"):
        for _ in range(6):
            progress.step("epoch 1")
    assert len(caplog.records) == 2
    assert " 70.0 %  ETA 1 min  epoch 1" in caplog.text
