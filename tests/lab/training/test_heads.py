import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch.nn.functional as F  # noqa: E402

from mien_lab.data.cleaning import clean, public_rows  # noqa: E402
from mien_lab.data.faces import fer_faces, still_crops  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training import heads, temporal  # noqa: E402
from mien_lab.training.expression_net import ExpressionNet, MergedNet, trained_net  # noqa: E402
from mien_lab.training.heads import fit_heads  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_both_heads_that_ship_are_blends_of_those_trained(exported_expression, fer_folder):
    fitted, crops, folder = exported_expression
    bare = MergedNet([trained_net(folder.parent)]).eval()
    faces = torch.from_numpy(crops)[:, None].float()
    with torch.no_grad():
        before, after = bare(faces), fitted(faces)
    said = torch.cat([before.logits, before.fer_logits, torch.ones(len(faces), 1)], dim=1)
    for name in ("logits", "fer_logits"):
        values = getattr(after, name)
        assert not torch.allclose(values, getattr(before, name), atol=1e-2)
        map_ = torch.linalg.lstsq(said, values, driver="gelsd").solution
        assert torch.allclose(said @ map_, values, atol=1e-3)
    assert torch.equal(after.embedding, before.embedding)
    assert torch.allclose(after.activation.mean(dim=(2, 3)), after.logits, atol=1e-4)


def test_what_ships_says_more_of_its_calibration_faces_than_what_was_trained(
    exported_expression, fer_folder
):
    fitted, _, folder = exported_expression
    data = load_fer(fer_folder)
    rows = data.rows("PublicTest")
    faces = torch.from_numpy(still_crops(fer_faces(data, rows))[:, 1])[:, None].float()
    losses = []
    for net in (MergedNet([trained_net(folder.parent)]).eval(), fitted):
        with torch.no_grad():
            losses.append(
                F.cross_entropy(net(faces).fer_logits, torch.from_numpy(data.labels[rows]).long())
            )
    assert losses[1] < losses[0]


def test_the_calibration_is_of_heads_that_were_not_fitted_to_its_faces(
    exported_expression, fer_folder, monkeypatch
):
    seen = []
    monkeypatch.setattr(heads, "cross_fitted", lambda said, *_, **__: said[:, :8] + 0.5)
    monkeypatch.setattr(heads, "calibration", lambda *given: seen.append(given) or {"given": 1.0})
    data = load_fer(fer_folder)
    folder = exported_expression[2].parent
    fitted = fit_heads(MergedNet([trained_net(folder)]).eval(), data, clean(data).rows, faces=8)
    assert fitted.keys() == {"occlusion_threshold", "given"}
    ((logits, labels, held),) = seen
    assert np.allclose(logits.mean(axis=1), 0.5, atol=1e-4)
    assert len(logits) == len(labels) == len(held) > 0


def test_few_faces_lie_above_the_occlusion_threshold(exported_expression, fer_folder):
    fitted, _, folder = exported_expression
    data = load_fer(fer_folder)
    crops = still_crops(fer_faces(data, public_rows(data)))
    with torch.no_grad():
        said = fitted(torch.from_numpy(crops).flatten(0, 1)[:, None].float()).occlusion
    means = said.reshape(crops.shape[:2]).mean(1).numpy()
    card = json.loads((folder / "expression.json").read_text())
    threshold = np.quantile(means, heads.BARE_SHARE)
    assert card["extra"]["occlusion_threshold"] == pytest.approx(threshold, abs=1e-3)


@pytest.fixture
def copied(write_rows, row, picture):
    """Of PublicTest's rows 1 to 6, 3 is 1's mirror image, 6 as 2, and 4 as a row of PrivateTest."""
    public = [picture(1), picture(2), picture(1)[:, ::-1], picture(9), picture(3), picture(2)]
    return write_rows(
        [
            row(picture(9), split="PrivateTest"),
            *(row(each, split="PublicTest") for each in public),
        ]
    )


def test_copies_are_in_one_fold_and_one_half(copied, monkeypatch):
    asked, given = [], []
    net = MergedNet([ExpressionNet(8, ((8, 1),))])
    monkeypatch.setattr(heads, "fer_faces", lambda data, rows: asked.append(rows) or rows)
    monkeypatch.setattr(heads, "still_crops", lambda rows: rows)
    monkeypatch.setattr(heads, "upright_crops", lambda rows: rows)
    monkeypatch.setattr(heads, "_embedding", lambda net, rows: rows[:, None] + np.zeros(8, "f4"))
    monkeypatch.setattr(heads, "fit_occlusion", lambda *_: (np.zeros(8, np.float32), 0.0))
    monkeypatch.setattr(
        heads, "cross_fitted", lambda said, truth, own, folds, **_: given.append(folds) or said
    )
    monkeypatch.setattr(heads, "calibration", lambda said, truth, held: given.append(held) or {})
    heads.fit_heads(net, load_fer(copied), np.arange(1))
    assert asked[0].tolist() == [1, 2, 3, 5, 6]
    folds, held = (each.tolist() for each in given)
    assert folds == [0, 1, 0, 2, 1]
    assert held == [False, True, False, False, True]


def test_nothing_is_fitted_on_copies_of_private_test(copied, tmp_path, monkeypatch):
    def stop(_, rows):
        raise KeyboardInterrupt(rows.tolist())

    for module, fit in (
        (heads, lambda: heads.fit_heads(None, load_fer(copied), np.arange(1))),
        (
            temporal,
            lambda: temporal.still_clips(
                temporal.TemporalConfig(copied), tmp_path, "PublicTest", 2
            ),
        ),
    ):
        monkeypatch.setattr(module, "fer_faces", stop)
        with pytest.raises(KeyboardInterrupt) as asked:
            fit()
        assert asked.value.args == ([1, 2, 3, 5, 6],)
