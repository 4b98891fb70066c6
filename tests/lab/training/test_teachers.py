"""What networks teach each other: folds by their probabilities, and a tutor batch by batch."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.data.cleaning import clean  # noqa: E402
from mien_lab.data.faces import fer_faces, upright_crops  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training import expression  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_export import export_expression  # noqa: E402
from mien_lab.training.expression_net import ExpressionNet, trained_net  # noqa: E402
from mien_lab.training.targets import Targets, training_faces  # noqa: E402
from mien_lab.training.teachers import (  # noqa: E402
    Teaching,
    Tutor,
    in_fold,
    read_teaching,
    teach,
    write_teaching,
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def bare(exported_expression, fer_folder, tmp_path_factory):
    """The random network with its heads as they were trained."""
    run, folder = exported_expression[2].parent, tmp_path_factory.mktemp("bare") / "weights"
    export_expression([run], fer_folder, folder, version="9", calibration_faces=8, bare=True)
    return folder


def test_folds_teach_what_they_have_not_seen(
    expression_config, fer_folder, tmp_path, load_checkpoint
):
    data = load_fer(fer_folder)
    rows = clean(data).rows
    config = replace(expression_config, limit=None, epochs=1, folds=2)
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
    net.load_state_dict(load_checkpoint(runs[1] / "last.pt")["average"])
    odd = rows[1:2]
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
    for config in ({"shape": "wide"}, {"shape": "wide", "fold": None, "folds": 2}):
        (tmp_path / "whole").mkdir(exist_ok=True)
        (tmp_path / "whole" / "config.json").write_text(json.dumps(config))
        with pytest.raises(InputError, match="not those of all folds"):
            teach(fer_folder, [tmp_path / "whole"])
    with pytest.raises(InputError, match="FER2013 has 3"):
        read_teaching(tmp_path / "soft.npz", 3)


def test_what_is_taught_is_written_under_the_name_that_was_given(tmp_path):
    emotions, fer = np.full((2, 8), 0.125, np.float32), np.full((2, 7), 0.5, np.float32)
    write_teaching(tmp_path / "taught", Teaching(emotions, fer))
    assert [path.name for path in tmp_path.iterdir()] == ["taught"]
    assert np.array_equal(read_teaching(tmp_path / "taught", 2).fer, fer)


def test_what_nobody_taught_is_refused(tmp_path):
    path = tmp_path / "taught.npz"
    np.savez(tmp_path / "other.npz", other=np.zeros(2))
    np.save(tmp_path / "one.npy", np.zeros(2))
    zipped, single = ((tmp_path / name).read_bytes() for name in ("other.npz", "one.npy"))
    for content in (b"", b"no array", zipped, zipped[:100], single):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"taught\.npz is not what `mien-lab teach` writes"):
            read_teaching(path, 2)


def test_copies_are_in_one_fold(write_rows, row, picture):
    pictures = [picture(0), picture(1), picture(0)[:, ::-1], picture(2), picture(3), picture(1)]
    data = load_fer(write_rows([row(each) for each in pictures]))
    for fold, expected in enumerate(([0, 2, 3], [1, 4, 5])):
        assert np.flatnonzero(in_fold(data, np.arange(6), fold, 2)).tolist() == expected


def test_a_tutor_answers_as_the_network_was_trained(exported_expression, bare):
    _, crops, served = exported_expression
    batch = torch.from_numpy(crops)[:, None].float()
    with torch.no_grad():
        trained = trained_net(served.parent)(batch)
    emotions, fer = Tutor(bare).read(batch)
    for said, logits in ((emotions, trained.logits), (fer, trained.fer_logits)):
        assert said.sum(1).numpy() == pytest.approx(1, abs=1e-5)
        assert (said - logits.softmax(1)).abs().sum(1).mean() < 0.05
    with pytest.raises(InputError, match="are fitted; export them with --bare"):
        Tutor(served)


def test_what_a_tutor_says_weighs_as_much_as_the_target(bare):
    emotions, fer = torch.zeros(3, 8), torch.zeros(3, 7)
    emotions[0, 1], emotions[1, 2], fer[0, 3] = 0.5, 2.0, 1.0
    taught = Targets(emotions, fer).taught(Tutor(bare), torch.rand(3, 1, 48, 48) * 255, 0.7)
    # One for those that have no target.
    assert taught.emotions.sum(1).tolist() == pytest.approx([0.5, 2.0, 1.0], abs=1e-5)
    assert taught.fer.sum(1).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)


def test_a_tutor_reads_each_batch_as_the_network_sees_it(
    expression_config, bare, monkeypatch, tmp_path
):
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
    config = replace(expression_config, epochs=1, mixup=0.0, tutor=bare, tutor_share=1.0)
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
