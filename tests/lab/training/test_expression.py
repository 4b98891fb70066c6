"""Training the expression network, from the first epoch to a resumed last one."""

import itertools
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien_lab.training import expression  # noqa: E402
from mien_lab.training.augmentation import Augmentation  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_config import ExpressionConfig  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def unbroken(expression_config, tmp_path_factory):
    return train_expression(expression_config, tmp_path_factory.mktemp("unbroken") / "run")


def test_a_run_writes_what_it_did(unbroken, expression_config, load_checkpoint, read_curve):
    folder = unbroken.parent
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "curve.jsonl", "drops.csv", "last.pt"}
    written = json.loads((folder / "config.json").read_text())
    assert (written["seed"], written["epochs"]) == (
        expression_config.seed,
        expression_config.epochs,
    )
    assert written["fer_dir"] == str(expression_config.fer_dir)
    assert "rotation" in written["augmentation"]
    curve = read_curve(folder)
    assert [line["epoch"] for line in curve] == [1, 2]
    for line in curve:
        assert np.isfinite(line["loss"])
        assert 0 <= line["public_fer2013"] <= 1
        assert 0 <= line["public_ferplus"] <= 1
    state = load_checkpoint(unbroken)
    assert state["epoch"] == expression_config.epochs


def test_a_gradient_that_is_no_number_keeps_the_last_checkpoint(
    expression_config, tmp_path, monkeypatch, load_checkpoint, interrupt
):
    interrupt(expression_config, tmp_path / "run")
    before = load_checkpoint(tmp_path / "run" / "last.pt")
    whole = expression._loss

    def steep(config, outputs, targets):
        """The same loss, whose root of zero has no slope."""
        return whole(config, outputs, targets) + (0 * outputs.logits).sum().abs().sqrt()

    with monkeypatch.context() as patched:
        patched.setattr(expression, "_loss", steep)
        with pytest.raises(FloatingPointError, match="the gradient became nan in epoch 2, step 1"):
            train_expression(expression_config, tmp_path / "run", resume=True)
    after = load_checkpoint(tmp_path / "run" / "last.pt")
    assert all(torch.equal(after["net"][name], value) for name, value in before["net"].items())
    # What the error advises: another folder, a lower rate, from what was kept.
    lower = replace(expression_config, rate=0.01, start=tmp_path / "run")
    train_expression(lower, tmp_path / "again")
    assert load_checkpoint(tmp_path / "again" / "last.pt")["epoch"] == expression_config.epochs


def test_a_resumed_run_ends_with_the_same_weights(
    unbroken, expression_config, tmp_path, load_checkpoint, read_curve, interrupt
):
    interrupt(expression_config, tmp_path / "run")
    broken = load_checkpoint(tmp_path / "run" / "last.pt")
    assert broken["epoch"] == 1
    torch.manual_seed(99)
    resumed = load_checkpoint(train_expression(expression_config, tmp_path / "run", resume=True))
    whole = load_checkpoint(unbroken)
    for part in ("net", "average"):
        assert whole[part].keys() == resumed[part].keys()
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), (part, name)
    changed = [name for name, value in whole["net"].items() if not value.equal(broken["net"][name])]
    assert changed
    assert [line["epoch"] for line in read_curve(tmp_path / "run")] == [1, 2]


def test_any_seed_will_do(expression_config, tmp_path, read_curve):
    dated = replace(expression_config, seed=20240601, epochs=1)
    train_expression(dated, tmp_path / "run")
    assert np.isfinite(read_curve(tmp_path / "run")[0]["loss"])


def test_a_finished_run_is_left_alone(unbroken, expression_config):
    before = unbroken.read_bytes()
    assert train_expression(expression_config, unbroken.parent, resume=True) == unbroken
    assert unbroken.read_bytes() == before


def test_a_run_is_not_overwritten(unbroken, expression_config):
    before = (unbroken.parent / "config.json").read_text()
    with pytest.raises(OutputError, match="--resume"):
        train_expression(ExpressionConfig(expression_config.fer_dir, epochs=9), unbroken.parent)
    assert (unbroken.parent / "config.json").read_text() == before


def test_the_network_learns(fer_folder, tmp_path, read_curve):
    """The same eight faces again and again, without disturbance, are learned by heart."""
    still = Augmentation(
        rotation=0, scale=0, stretch=0, shift=0, gamma=0, contrast=0, noise=0,
        blur_chance=0, shrink_chance=0, erase_chance=0, mirror=False,
    )  # fmt: skip
    options = {
        "batch": 8,
        "part": 8,
        "limit": 8,
        "compile": False,
        "mixup": 0.0,
        "fer_smoothing": 0.0,
    }
    learned = ExpressionConfig(
        fer_folder, epochs=8, augmentation=still, warmup_epochs=1, rate=0.02,
        sizes=((1.0, 32),), **options,
    )  # fmt: skip
    train_expression(learned, tmp_path / "run")
    losses = [line["loss"] for line in read_curve(tmp_path / "run")]
    assert losses[-1] < losses[0] * 0.85


def test_a_loss_that_is_not_finite_stops_the_run(
    expression_config, tmp_path, monkeypatch, load_checkpoint, read_curve
):
    plain, calls = expression._loss, []

    def spoilt(config, outputs, targets):
        calls.append(1)
        loss = plain(config, outputs, targets)
        return loss * float("nan") if len(calls) > 4 else loss

    monkeypatch.setattr(expression, "_loss", spoilt)
    with pytest.raises(FloatingPointError, match="epoch 2, step 1") as caught:
        train_expression(expression_config, tmp_path / "run")
    assert "\n" not in str(caught.value)
    state = load_checkpoint(tmp_path / "run" / "last.pt")
    assert state["epoch"] == 1
    assert all(torch.isfinite(value.float()).all() for value in state["net"].values())
    assert len(read_curve(tmp_path / "run")) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"teachers": Path("t.npz")}, "may have been trained on the held-out fold"),
        ({"tutor": Path("w")}, "may have been trained on the held-out fold"),
        ({"before": {}}, "was not trained without fold 0 of 2"),
        ({"before": {"fold": 1, "folds": 2}}, "was not trained without fold 0 of 2"),
        ({"before": {"fold": 0, "folds": 3}}, "was not trained without fold 0 of 2"),
    ],
)
def test_a_fold_is_left_out_of_all_that_is_learnt_from(fer_folder, tmp_path, options, words):
    before = options.pop("before", None)
    if before is not None:
        (tmp_path / "config.json").write_text(json.dumps(before))
        options["start"] = tmp_path
    config = ExpressionConfig(fer_folder, fold=0, folds=2, compile=False, **options)
    with pytest.raises(InputError, match=words):
        train_expression(config, tmp_path / "run")


def test_faces_that_do_not_fill_a_batch(fer_folder, tmp_path):
    with pytest.raises(InputError, match="8 faces do not fill a batch of 128"):
        train_expression(ExpressionConfig(fer_folder, limit=8, compile=False), tmp_path / "run")
    assert not (tmp_path / "run" / "last.pt").exists()


@pytest.mark.parametrize(
    ("pixels", "codes", "split", "said"),
    [
        ("same", (3, 4), "PublicTest", "no row of FER2013 is left to read; .*`mien-lab clean`"),
        ("other", (3, 3), "PublicTest", "fewer than two FER2013 labels"),
        ("other", (3, 4), "PrivateTest", "has no PublicTest rows to check on"),
    ],
)
def test_rows_that_cannot_be_trained_on(
    write_rows, row, picture, tmp_path, pixels, codes, split, said
):
    rows = [
        row(np.full((48, 48), 9, np.uint8) if pixels == "same" else picture(number), codes[half])
        for half in (0, 1)
        for number in (2 * half, 2 * half + 1)
    ]
    folder = write_rows([*rows, row(picture(9), split=split)])
    with pytest.raises(InputError, match=said):
        train_expression(ExpressionConfig(folder, batch=2, part=2), tmp_path / "run")
    assert not (tmp_path / "run" / "last.pt").exists()


# The other processes have no fixtures: this is `expression_config` again.
TOGETHER = """
import sys, torch
from pathlib import Path
from mien_lab.training.expression import train_expression
from mien_lab.training.expression_config import ExpressionConfig
torch.set_num_threads(1)
config = ExpressionConfig(
    Path(sys.argv[1]), epochs=2, batch=4, part=2, limit=8, seed=3, compile=False, average=0.9,
    sizes=((0.5, 32), (1.0, 40)),
)
train_expression(config, Path(sys.argv[2]))
"""


def test_two_processes_learn_what_one_does(
    unbroken, expression_config, tmp_path, load_checkpoint, read_curve
):
    script = tmp_path / "train.py"
    script.write_text(TOGETHER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    place = ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    arguments = [str(script), str(expression_config.fer_dir), str(tmp_path / "run")]
    subprocess.run(
        [*launcher, *place, *arguments], check=True, capture_output=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for one, two in zip(read_curve(unbroken.parent), read_curve(tmp_path / "run"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
    alone = load_checkpoint(unbroken)["net"]
    together = load_checkpoint(tmp_path / "run" / "last.pt")["net"]
    for name, value in alone.items():
        if value.is_floating_point():
            torch.testing.assert_close(together[name], value, rtol=1e-3, atol=1e-4)


def test_processes_that_cannot_share_a_batch(expression_config, tmp_path, monkeypatch):
    monkeypatch.setattr(expression.Workers, "joined", classmethod(lambda cls: cls(0, 3)))
    with pytest.raises(InputError, match=r"3 processes cannot share a batch of 4 .* multiple of 6"):
        train_expression(expression_config, tmp_path / "run")


def test_the_rate_warms_up_and_falls():
    config = ExpressionConfig(Path(), epochs=10)
    rates = [expression._rate(config, epoch / 10) for epoch in range(101)]
    peak = int(np.argmax(rates))
    assert peak == 20
    assert rates[peak] == pytest.approx(config.rate, rel=0.02)
    assert all(one < other for one, other in itertools.pairwise(rates[: peak + 1]))
    assert all(one > other for one, other in itertools.pairwise(rates[peak:]))
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_crop_sizes_grow():
    config = ExpressionConfig(Path(), epochs=10, sizes=((0.4, 32), (0.7, 40), (1.0, 48)))
    sizes = [expression._size(config, epoch) for epoch in range(10)]
    assert sizes == [32] * 4 + [40] * 3 + [48] * 3


def test_training_goes_on_from_the_weights_of_a_run(expression_config, tmp_path, load_checkpoint):
    train_expression(replace(expression_config, epochs=1), tmp_path / "first")
    average = load_checkpoint(tmp_path / "first" / "last.pt")["average"]
    still = replace(expression_config, epochs=1, start=tmp_path / "first", rate=0.0)
    train_expression(still, tmp_path / "second")
    again = load_checkpoint(tmp_path / "second" / "last.pt")["net"]
    assert all(torch.equal(again[name], average[name]) for name in again if "weight" in name)


def test_an_unknown_shape_is_refused(expression_config, tmp_path):
    with pytest.raises(InputError, match="no shape 'tall'; choose one of: wide, deep"):
        train_expression(replace(expression_config, shape="tall"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_fold_beyond_the_last_is_refused(expression_config, tmp_path):
    config = replace(expression_config, fold=3, folds=3)
    with pytest.raises(InputError, match=r"there is no fold 3 of 3; .* the last is 2"):
        train_expression(config, tmp_path)
