import json

from mien_lab.evaluation.documents import fill


def test_mirror_images_and_intervals_are_told_where_they_were_measured(shipped_figures):
    pages = [f"<!-- figures: {name} -->\n<!-- end -->" for name in ("accuracy", "verdict")]
    figures = json.loads(json.dumps(shipped_figures))
    more = {"accuracy_flip": 0.7, "macro_f1_flip": 0.6, "macro_recall_flip": 0.61}
    more |= {"accuracy_single": 0.69, "macro_f1_single": 0.59, "macro_recall_single": 0.6}
    for name in ("fer2013", "ferplus"):
        crops = figures["crops"]["int8"]["PrivateTest"][name]
        crops |= more | {"accuracy_interval": [0.65, 0.682]}
    table, verdict = (fill(page, figures) for page in pages)
    assert f"at one size | {' | '.join(['69.0 % / 59.0 % / 60.0 %'] * 2)} | - |" in table
    assert f"mirror image | {' | '.join(['70.0 % / 60.0 % / 61.0 %'] * 2)} | - |" in table
    assert "65.0 % to 68.2 % on FER2013, 65.0 % to 68.2 % on FER+, " in verdict


def test_what_several_sizes_gain_is_told(shipped_figures):
    figures = json.loads(json.dumps(shipped_figures))
    for name, gain in (("ferplus", 0.008), ("fer2013", -0.001)):
        part = figures["crops"]["int8"]["PublicTest"][name]
        part["accuracy_single"] = part["accuracy"] - gain
    text = fill("<!-- figures: sizes -->\n<!-- end -->", figures)
    assert "FER+ +0.8 points, FER2013 -0.1 points." in text
