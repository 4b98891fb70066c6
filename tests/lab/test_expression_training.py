import itertools
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from mien.core.errors import InputError  # noqa: E402
from mien.core.labels import EMOTIONS  # noqa: E402
from mien.models.expression import ExpressionClassifier  # noqa: E402
from mien.runtime.artifact import load_artifact, read_cards  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data.augmentation import Augmentation  # noqa: E402
from mien_lab.data.cleaning import clean  # noqa: E402
from mien_lab.data.faces import fer_faces, upright_crops  # noqa: E402
from mien_lab.data.fer2013 import FER_LABELS, load_fer  # noqa: E402
from mien_lab.training import export, expression  # noqa: E402
from mien_lab.training.export import export_expression  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_config import ExpressionConfig  # noqa: E402
from mien_lab.training.expression_net import (  # noqa: E402
    SHAPES,
    ExpressionNet,
    MergedNet,
    trained_net,
)
from mien_lab.training.heads import FER_SHARE, blend_heads, fit_heads  # noqa: E402
from mien_lab.training.run import Progress, Run, WeightAverage  # noqa: E402
from mien_lab.training.targets import Targets, training_faces  # noqa: E402
from mien_lab.training.teachers import (  # noqa: E402
    Tutor,
    read_teaching,
    teach,
    write_teaching,
)
from mien_lab.training.weight_files import ParityError, write_card  # noqa: E402

EPOCHS = 2
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def config(fer_folder):
    return ExpressionConfig(
        fer_folder, epochs=EPOCHS, batch=4, part=2, limit=8, seed=3, compile=False, average=0.9,
        sizes=((0.5, 32), (1.0, 40)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def unbroken(config, tmp_path_factory):
    return train_expression(config, tmp_path_factory.mktemp("unbroken") / "run")


def loaded(path):
    return torch.load(path, weights_only=True)


def lines(folder):
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_a_run_writes_what_it_did(unbroken, config):
    folder = unbroken.parent
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "curve.jsonl", "drops.csv", "last.pt"}
    written = json.loads((folder / "config.json").read_text())
    assert (written["seed"], written["epochs"]) == (config.seed, EPOCHS)
    assert written["fer_dir"] == str(config.fer_dir)
    assert "rotation" in written["augmentation"]
    curve = lines(folder)
    assert [line["epoch"] for line in curve] == [1, 2]
    for line in curve:
        assert np.isfinite(line["loss"])
        assert 0 <= line["public_fer2013"] <= 1
        assert 0 <= line["public_ferplus"] <= 1
    state = loaded(unbroken)
    assert (state["epoch"], state["steps"]) == (EPOCHS, 4)


def test_a_gradient_that_is_no_number_keeps_the_last_checkpoint(config, tmp_path, monkeypatch):
    train_expression(replace(config, epochs=1), tmp_path / "run")
    before = loaded(tmp_path / "run" / "last.pt")
    whole = expression._loss

    def steep(config, outputs, targets):
        """The same loss, whose root of zero has no slope."""
        return whole(config, outputs, targets) + (0 * outputs.logits).sum().abs().sqrt()

    monkeypatch.setattr(expression, "_loss", steep)
    monkeypatch.setattr("mien_lab.training.run._refuse_changes", lambda *_: None)
    with pytest.raises(FloatingPointError, match="the gradient became nan in epoch 2, step 1"):
        train_expression(replace(config, epochs=2), tmp_path / "run", resume=True)
    after = loaded(tmp_path / "run" / "last.pt")
    assert all(torch.equal(after["net"][name], value) for name, value in before["net"].items())


def test_a_resumed_run_ends_with_the_same_weights(unbroken, config, tmp_path, monkeypatch):
    save = Run.save

    def save_and_stop(self, state, figures):
        save(self, state, figures)
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train_expression(config, tmp_path / "run")
    monkeypatch.undo()
    broken = loaded(tmp_path / "run" / "last.pt")
    assert broken["epoch"] == 1
    torch.manual_seed(99)
    resumed = loaded(train_expression(config, tmp_path / "run", resume=True))
    whole = loaded(unbroken)
    for part in ("net", "average"):
        assert whole[part].keys() == resumed[part].keys()
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), (part, name)
    changed = [name for name, value in whole["net"].items() if not value.equal(broken["net"][name])]
    assert changed
    assert [line["epoch"] for line in lines(tmp_path / "run")] == [1, 2]


def test_a_finished_run_is_left_alone(unbroken, config):
    before = unbroken.read_bytes()
    assert train_expression(config, unbroken.parent, resume=True) == unbroken
    assert unbroken.read_bytes() == before


def test_a_run_is_not_overwritten(unbroken, config):
    before = (unbroken.parent / "config.json").read_text()
    with pytest.raises(FileExistsError, match="--resume"):
        train_expression(ExpressionConfig(config.fer_dir, epochs=9), unbroken.parent)
    assert (unbroken.parent / "config.json").read_text() == before


def test_the_network_learns(config, fer_folder, tmp_path):
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
    losses = [line["loss"] for line in lines(tmp_path / "run")]
    assert losses[-1] < losses[0] * 0.85


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path, monkeypatch):
    plain, calls = expression._loss, []

    def spoilt(config, outputs, targets):
        calls.append(1)
        loss = plain(config, outputs, targets)
        return loss * float("nan") if len(calls) > 4 else loss

    monkeypatch.setattr(expression, "_loss", spoilt)
    with pytest.raises(FloatingPointError, match="epoch 2, step 1") as caught:
        train_expression(config, tmp_path / "run")
    assert "\n" not in str(caught.value)
    state = loaded(tmp_path / "run" / "last.pt")
    assert state["epoch"] == 1
    assert all(torch.isfinite(value.float()).all() for value in state["net"].values())
    assert len(lines(tmp_path / "run")) == 1


def test_faces_that_do_not_fill_a_batch(config, fer_folder, tmp_path):
    with pytest.raises(InputError, match="8 faces do not fill a batch of 128"):
        train_expression(ExpressionConfig(fer_folder, limit=8, compile=False), tmp_path / "run")
    assert not (tmp_path / "run" / "last.pt").exists()


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


def test_two_processes_learn_what_one_does(unbroken, config, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(TOGETHER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    place = ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    arguments = [str(script), str(config.fer_dir), str(tmp_path / "run")]
    subprocess.run(
        [*launcher, *place, *arguments], check=True, capture_output=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for one, two in zip(lines(unbroken.parent), lines(tmp_path / "run"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
    alone, together = loaded(unbroken)["net"], loaded(tmp_path / "run" / "last.pt")["net"]
    for name, value in alone.items():
        if value.is_floating_point():
            torch.testing.assert_close(together[name], value, rtol=1e-3, atol=1e-4)


def test_processes_that_cannot_share_a_batch(config, tmp_path, monkeypatch):
    monkeypatch.setattr(expression.Workers, "joined", classmethod(lambda cls: cls(0, 3)))
    with pytest.raises(InputError, match=r"3 processes cannot share a batch of 4 .* multiple of 6"):
        train_expression(config, tmp_path / "run")


def test_the_rate_warms_up_and_falls(config):
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


def test_the_network(fer_folder):
    net = ExpressionNet().eval()
    crops = torch.from_numpy(upright_crops(fer_faces(load_fer(fer_folder), np.arange(4))))
    outputs = net(crops[:, None].float())
    assert outputs.logits.shape == (4, 8)
    assert outputs.fer_logits.shape == (4, 7)
    mean = outputs.activation.mean(dim=(2, 3))
    torch.testing.assert_close(mean, outputs.logits, atol=1e-4, rtol=1e-4)
    lit = net(crops[:, None].float() * 0.5 + 30)
    torch.testing.assert_close(lit.logits, outputs.logits, atol=2e-2, rtol=2e-2)
    assert torch.isfinite(net(torch.zeros(1, 1, 48, 48)).logits).all()


# The average and the folder


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


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
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
    assert len(lines(tmp_path / "run")) == 1


def test_progress_speaks_once_a_minute(monkeypatch, caplog):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("mien_lab.training.run.time.monotonic", lambda: next(clock))
    progress = Progress(total=10, done=4)
    with caplog.at_level("INFO"):
        for _ in range(6):
            progress.step("epoch 1")
    assert len(caplog.records) == 2
    assert " 70.0 %  ETA 1 min  epoch 1" in caplog.text


# Export


@pytest.fixture(scope="module")
def exported(fer_folder, tmp_path_factory):
    """A network of random weights whose normalisation has seen the faces."""
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(0)
    net = ExpressionNet()
    crops = upright_crops(fer_faces(load_fer(fer_folder), np.arange(32)))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    net(torch.from_numpy(crops)[:, None].float())
    torch.save({"average": net.state_dict()}, folder / "last.pt")
    (folder / "config.json").write_text('{"faces_dir": null}')
    export_expression([folder], fer_folder, folder / "weights", version="9", calibration_faces=8)
    net = MergedNet([net.eval()]).eval()
    blend_heads(net, FER_SHARE)
    fit_heads(net, load_fer(fer_folder))
    return net, crops, folder / "weights"


def test_exported_cards(exported):
    *_, folder = exported
    cards = {card.precision: card for card in read_cards(folder)}
    assert set(cards) == {"fp32", "int8"}
    for card in cards.values():
        assert (card.name, card.version) == ("expression", "9")
        assert (card.number("temperature"), card.number("conformal_quantile")) == (1, 1)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 5e-3), ("int8", 0.1)])
def test_exported_networks_agree_with_torch(exported, precision, tolerance):
    net, crops, folder = exported
    session = open_session("expression", precision=precision, threads=1, folder=folder)
    served = ExpressionClassifier(session).raw(crops)
    with torch.no_grad():
        trained = net(torch.from_numpy(crops)[:, None].float())._asdict()
    assert served.keys() == trained.keys()
    for name, values in trained.items():
        spread = float(values.std())
        difference = np.abs(served[name] - values.numpy()).mean()
        assert difference < tolerance * spread, name


@pytest.mark.parametrize(
    ("bound", "file"), [("PARITY", "expression.onnx"), ("INT8_PARITY", "expression-int8.onnx")]
)
def test_what_differs_from_the_trained_network_is_not_written(
    exported, fer_folder, tmp_path, monkeypatch, bound, file
):
    *_, folder = exported
    monkeypatch.setattr(export, bound, -1.0)
    (tmp_path / file).write_text("weights in place")
    with pytest.raises(ParityError, match=f"{file} differs from the trained network by"):
        export_expression([folder.parent], fer_folder, tmp_path, version="9", calibration_faces=8)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text() == "weights in place"


def test_the_command_exports_calibrated_weights(exported, fer_folder, tmp_path, monkeypatch):
    *_, folder = exported
    monkeypatch.setattr(
        export.export_expression,
        "__kwdefaults__",
        export.export_expression.__kwdefaults__ | {"calibration_faces": 8},
    )
    options = ["--run", str(folder.parent)] * 2
    out = tmp_path / "new" / "weights"
    done = CliRunner().invoke(
        app, ["export", "--data", str(fer_folder), *options, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "expression-int8.json",
        "expression-int8.onnx",
        "expression.json",
        "expression.onnx",
    ]
    for card in read_cards(out):
        assert card.number("temperature") != 1
        assert load_artifact("expression", card.precision, out).card == card


def test_folds_teach_what_they_have_not_seen(config, fer_folder, tmp_path):
    data = load_fer(fer_folder)
    rows = clean(data).rows
    config = replace(config, limit=None, epochs=1, folds=2)
    runs = [tmp_path / f"fold{fold}" for fold in range(2)]
    for fold, run in enumerate(runs):
        train_expression(replace(config, fold=fold), run)
    teaching = teach(fer_folder, runs)
    taught = np.flatnonzero(teaching.emotions.sum(axis=1))
    assert taught.tolist() == rows.tolist()
    assert teaching.emotions[rows].sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert teaching.fer[rows].sum(axis=1) == pytest.approx(1, abs=1e-5)
    # Each row was read by the network that had not seen it.
    net = ExpressionNet().eval()
    net.load_state_dict(loaded(runs[1] / "last.pt")["average"])
    odd = rows[rows % 2 == 1][:1]
    crops = torch.from_numpy(upright_crops(fer_faces(data, odd)))[:, None].float()
    with torch.no_grad():
        both = (net(crops).logits.softmax(1) + net(crops.flip(3)).logits.softmax(1)) / 2
    assert teaching.emotions[odd] == pytest.approx(both.numpy(), abs=1e-5)
    write_teaching(tmp_path / "soft.npz", teaching)
    again = replace(config, teachers=tmp_path / "soft.npz", fer_teaching=1.0, emotion_teaching=0.5)
    faces, plain = (training_faces(one, data, clean(data)).faces for one in (again, config))
    assert faces.fer == pytest.approx(teaching.fer[rows])
    voted = plain.emotions.sum(axis=1) > 0
    mean = (plain.emotions + teaching.emotions[rows]) / 2
    assert faces.emotions[voted] == pytest.approx(mean[voted], abs=1e-6)
    assert not faces.emotions[~voted].any()
    with pytest.raises(InputError, match="not those of all folds"):
        teach(fer_folder, runs[:1])
    with pytest.raises(InputError, match="FER2013 has 3"):
        read_teaching(tmp_path / "soft.npz", 3)


@pytest.fixture(scope="module")
def bare(exported, fer_folder):
    """The random network with its heads as they were trained."""
    folder = exported[2].parent
    export_expression(
        [folder], fer_folder, folder / "bare", version="9", calibration_faces=8, bare=True
    )
    return folder / "bare"


def test_a_tutor_answers_as_the_network_was_trained(exported, bare):
    _, crops, served = exported
    batch = torch.from_numpy(crops)[:, None].float()
    with torch.no_grad():
        trained = trained_net(bare.parent)(batch)
    emotions, fer = Tutor(bare).read(batch)
    for said, logits in ((emotions, trained.logits), (fer, trained.fer_logits)):
        assert said.sum(1).numpy() == pytest.approx(1, abs=1e-5)
        assert (said - logits.softmax(1)).abs().sum(1).mean() < 0.05
    with pytest.raises(InputError, match="are blended; export them with --bare"):
        Tutor(served)


def test_a_tutor_reads_each_batch_as_the_network_sees_it(config, bare, monkeypatch, tmp_path):
    seen, learned = [], []
    read, loss = Tutor.read, expression._loss

    def watched(self, crops):
        seen.append((crops, read(self, crops)))
        return seen[-1][1]

    def noted(config, outputs, targets):
        learned.append(targets)
        return loss(config, outputs, targets)

    monkeypatch.setattr(Tutor, "read", watched)
    monkeypatch.setattr(expression, "_loss", noted)
    config = replace(config, epochs=1, mixup=0.0, tutor=bare, tutor_share=1.0)
    train_expression(config, tmp_path / "run")
    assert len(seen) == len(learned) == 4
    for (crops, said), targets in zip(seen, learned, strict=True):
        assert crops.shape == (2, 1, 48, 48)
        for theirs, mine in zip(said, (targets.emotions, targets.fer), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_what_has_no_label_is_taught_by_the_tutor_alone(bare):
    said = Tutor(bare).read(torch.zeros(2, 1, 48, 48))
    labels = [torch.eye(width)[:2] for width in (8, 7)]
    for target in labels:
        target[1] = 0
    taught = Targets(*labels).taught(Tutor(bare), torch.zeros(2, 1, 48, 48), 0.25)
    for mine, label, theirs in zip((taught.emotions, taught.fer), labels, said, strict=True):
        torch.testing.assert_close(mine[0], 0.75 * label[0] + 0.25 * theirs[0])
        torch.testing.assert_close(mine[1], theirs[1])


def test_bare_weights_do_not_replace_the_packages_own(exported, fer_folder):
    folder = str(exported[2].parent)
    done = CliRunner().invoke(app, ["export", "--data", str(fer_folder), "--run", folder, "--bare"])
    assert isinstance(done.exception, InputError)
    assert "give a folder by --out" in str(done.exception)


def test_training_goes_on_from_the_weights_of_a_run(config, tmp_path):
    train_expression(replace(config, epochs=1), tmp_path / "first")
    average = loaded(tmp_path / "first" / "last.pt")["average"]
    still = replace(config, epochs=1, start=tmp_path / "first", rate=0.0)
    train_expression(still, tmp_path / "second")
    again = loaded(tmp_path / "second" / "last.pt")["net"]
    assert all(torch.equal(again[name], average[name]) for name in again if "weight" in name)


def test_an_unknown_shape_is_refused(config, tmp_path):
    with pytest.raises(InputError, match="no shape 'tall'; choose one of: wide, deep"):
        train_expression(replace(config, shape="tall"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_merged_networks_give_the_mean_of_their_logits():
    torch.manual_seed(0)
    nets = [ExpressionNet(8, ((8, 1),)).eval(), ExpressionNet(8, ((16, 2),)).eval()]
    crops = torch.rand(3, 1, 48, 48) * 255
    with torch.no_grad():
        apart = [net(crops) for net in nets]
        merged = MergedNet(nets).eval()(crops)
    assert torch.equal(merged.embedding, torch.cat([one.embedding for one in apart], 1))
    for name in ("logits", "fer_logits", "activation"):
        mean = sum(getattr(one, name) for one in apart) / 2
        torch.testing.assert_close(getattr(merged, name), mean, atol=1e-5, rtol=1e-5)


def test_runs_of_several_shapes_are_exported_as_one(config, fer_folder, tmp_path):
    runs = [tmp_path / shape for shape in SHAPES]
    for shape, run in zip(SHAPES, runs, strict=True):
        train_expression(replace(config, epochs=1, shape=shape), run)
    for names in (runs[:1], runs):
        files = export_expression(
            names, fer_folder, tmp_path / "weights", version="9", calibration_faces=8
        )
        assert set(files) == {"fp32", "int8"}
        net = MergedNet([trained_net(run) for run in names])
        blend_heads(net, FER_SHARE)
        fit_heads(net.eval(), load_fer(fer_folder))
        crops = torch.rand(2, 1, 48, 48) * 255
        with torch.no_grad():
            expected = net(crops)
        session = open_session("expression", precision="fp32", folder=tmp_path / "weights")
        got = session.run({"crops": crops.numpy()})
        for name, tensor in expected._asdict().items():
            assert got[name] == pytest.approx(tensor.numpy(), abs=5e-3)


def test_a_card_has_the_checksum_of_its_file(exported, tmp_path):
    *_, folder = exported
    (card,) = (card for card in read_cards(folder) if card.precision == "int8")
    path = tmp_path / card.file
    path.write_bytes(b"other weights")
    write_card(path, card)
    (written,) = read_cards(tmp_path)
    assert written.sha256 != card.sha256
    assert written.labels == card.labels


def test_shipped_logits_hold_a_share_of_the_other_head():
    torch.manual_seed(0)
    net = ExpressionNet(8, ((8, 1),)).eval()
    crops = torch.rand(3, 1, 48, 48) * 255
    with torch.no_grad():
        before = net(crops)
        blend_heads(net, 0.5)
        after = net(crops)
    named = [EMOTIONS.index(label) for label in FER_LABELS]
    expected = before.logits[:, named] + 0.5 * before.fer_logits
    assert torch.allclose(after.logits[:, named], expected, atol=1e-4)
    contempt = before.logits[:, -1] + 0.5 * before.fer_logits.mean(dim=1)
    assert torch.allclose(after.logits[:, -1], contempt, atol=1e-4)
    assert torch.allclose(after.activation.mean(dim=(2, 3)), after.logits, atol=1e-4)
    assert torch.equal(after.fer_logits, before.fer_logits)
