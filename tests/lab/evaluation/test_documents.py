import json
from dataclasses import fields
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.pipeline.video_benchmark import VideoFigures
from mien_lab.evaluation.documents import ADDED, BLOCK, fill, measured
from mien_lab.evaluation.shipped import added, kept, weight_checksums
from mien_lab.evaluation.tracking import LOCATED
from mien_lab.figure_commands import CARDS, DOCUMENTS, FIGURES, write

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def figures():
    return json.loads((ROOT / FIGURES).read_text())


def test_the_figures_are_of_the_weights_that_ship(figures):
    assert figures["weights"] == weight_checksums()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_documents_say_what_was_measured(document, figures):
    text = (ROOT / document).read_text()
    assert BLOCK.search(text)
    assert text == fill(text, figures), "run: mien-lab figures write"


@pytest.mark.parametrize("precision", CARDS)
def test_cards_say_what_was_measured(precision, figures):
    card = json.loads((ROOT / CARDS[precision]).read_text())
    assert card["extra"]["measured"] == measured(figures, precision), "run: mien-lab figures write"


def test_no_document_has_a_place_that_was_not_filled():
    for document in DOCUMENTS:
        assert "@@" not in (ROOT / document).read_text()


def test_figures_of_other_weights_are_not_added(figures):
    reader = {
        "sha256": figures["weights"]["expression-int8.onnx"],
        "relative_accuracy": 0.9,
        "relative_accuracy_interval": [0.88, 0.92],
        "relative_accuracy_by_corruption": {"blur": 0.8, "mask": 0.7},
    }
    damage = {"n": 30, "readers": {"mien": reader, "fer": reader}}
    grown = added(figures, damage, "damage.json")
    table = fill("<!-- figures: robustness -->\n<!-- end -->", grown)
    assert "| all kinds | **90.0 %** (88.0 % to 92.0 %) | **90.0 %** (88.0 % to 92.0 %) |" in table
    assert "| mask | 70.0 % | 70.0 % |" in table
    finding = {"n": 9, "sha256": reader["sha256"], "finding": {"text": "No gap found."}}
    page = fill("<!-- figures: audit -->\n<!-- end -->", added(grown, finding, "audit.json"))
    assert "No gap found. (n = 9)" in page
    finders = {name: figures["weights"][name] for name in ("detector.onnx", "refiner.onnx")}
    peers = {"peers": {"fer": 1}, "weights": finders}
    assert added(figures, peers, "peers.json")["peers"] == {"fer": 1}
    for other in (
        {"peers": {"fer": 1}},
        peers | {"weights": finders | {"detector.onnx": "0"}},
        finding | {"sha256": "0"},
        {"n": 3, "readers": {"mien": reader | {"sha256": ""}}},
    ):
        with pytest.raises(InputError, match="measured on other weights"):
            added(figures, other, "other.json")
    with pytest.raises(InputError, match=r"odd.json holds no figures"):
        added(figures, {}, "odd.json")


def test_what_was_added_stays_while_its_weights_ship(figures, caplog):
    sums = figures["weights"]
    finders = {name: sums[name] for name in ("detector.onnx", "refiner.onnx")}
    finding = {"n": 9, "sha256": sums["expression-int8.onnx"], "finding": {"text": "None."}}
    bare = {name: part for name, part in figures.items() if name not in (*ADDED, "added")}
    before = added(bare, {"peers": {"fer": 1}, "weights": finders}, "peers.json")
    before = added(before, finding, "audit.json")
    before = added(before, {"measurements": []}, "speed.json")
    before = added(before, {"plain overlap": {}, "scenes": 1}, "tracking.json")
    assert kept(bare, before) == before
    assert not caplog.messages
    other = bare | {"weights": sums | {"expression-int8.onnx": "0"}}
    found = kept(other, before)
    assert found["peers"] == {"fer": 1}
    assert found["added"].keys() == {"peers", "tracking"}
    assert not {"audit", "speed"} & found.keys()
    assert "run `mien-lab audit --json`" in caplog.text
    assert "run `mien bench --json`" in caplog.text
    assert "peers" not in kept(bare, {"peers": {"fer": 1}})


@pytest.mark.parametrize("part", ADDED)
def test_missing_figures_are_named_with_their_command(figures, part):
    page = f"<!-- figures: {'accuracy' if part == 'peers' else part} -->\n<!-- end -->"
    less = {name: found for name, found in figures.items() if name != part}
    with pytest.raises(InputError, match=f"figures of {part}; run `{ADDED[part]} --json`"):
        fill(page, less)
    with pytest.raises(InputError, match="of temporal; run `mien-lab figures measure`"):
        fill("<!-- figures: temporal -->\n<!-- end -->", {})
    with pytest.raises(InputError, match="of crops; run `mien-lab figures measure`"):
        measured({}, "int8")


def test_nothing_is_written_when_figures_are_missing(figures, tmp_path, monkeypatch):
    less = {name: found for name, found in figures.items() if name != "robustness"}
    pages = (
        "<!-- figures: precision -->\n<!-- end -->",
        "<!-- figures: robustness -->\n<!-- end -->",
    )
    before = dict.fromkeys(CARDS.values(), json.dumps({"extra": {}}))
    before |= dict(zip(DOCUMENTS, pages, strict=True))
    for place, text in before.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    (tmp_path / "figures.json").write_text(json.dumps(less))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="mien-lab robustness"):
        write(Path("figures.json"))
    assert {place: (tmp_path / place).read_text() for place in before} == before


def test_mirror_images_and_intervals_are_told_where_they_were_measured(figures):
    pages = [f"<!-- figures: {name} -->\n<!-- end -->" for name in ("accuracy", "verdict")]
    figures = json.loads(json.dumps(figures))
    more = {"accuracy_flip": 0.7, "macro_f1_flip": 0.6, "macro_recall_flip": 0.61}
    more |= {"accuracy_single": 0.69, "macro_f1_single": 0.59, "macro_recall_single": 0.6}
    for name in ("fer2013", "ferplus"):
        crops = figures["crops"]["int8"]["PrivateTest"][name]
        crops |= more | {"accuracy_interval": [0.65, 0.682]}
    table, verdict = (fill(page, figures) for page in pages)
    assert f"at one size | {' | '.join(['69.0 % / 59.0 % / 60.0 %'] * 2)} | - |" in table
    assert f"mirror image | {' | '.join(['70.0 % / 60.0 % / 61.0 %'] * 2)} | - |" in table
    assert "65.0 % to 68.2 % on FER2013, 65.0 % to 68.2 % on FER+, " in verdict


def test_what_several_sizes_gain_is_told(figures):
    figures = json.loads(json.dumps(figures))
    for name, gain in (("ferplus", 0.008), ("fer2013", -0.001)):
        part = figures["crops"]["int8"]["PublicTest"][name]
        part["accuracy_single"] = part["accuracy"] - gain
    text = fill("<!-- figures: sizes -->\n<!-- end -->", figures)
    assert "FER+ +0.8 points, FER2013 -0.1 points." in text


MACHINE = {"processor": "AMD EPYC (AVX2)", "cores": 2}


def test_speed_is_told(figures):
    def row(part, precision, faces, threads, median):
        names = ("part", "precision", "faces", "threads", "median_ms")
        return dict(zip(names, (part, precision, faces, threads, median), strict=True))

    rows = [row("detector", "", 0, threads, 30 - threads) for threads in (1, 2)]
    for precision, time in (("int8", 31), ("fp32", 41)):
        rows += [
            row("pipeline", precision, faces, threads, time + faces - threads)
            for faces in (1, 4, 16)
            for threads in (1, 2)
        ]
        rows.append(row("expression", precision, 1, 1, {"int8": 1.0, "fp32": 3.0}[precision]))
    page = "<!-- figures: speed -->\n<!-- end -->"
    text = fill(page, added(figures, MACHINE | {"measurements": rows}, "speed.json"))
    assert "|  | 1 face, 1 thread | 1 face, 2 threads | 16 faces, 2 threads |" in text
    assert "| detector alone | 29 | 28 | 28 |" in text
    assert "| whole, int8 (default) | 31 | 30 | 45 |" in text
    assert "| whole, fp32 | 41 | 40 | 55 |" in text
    assert "Measured on AMD EPYC (AVX2), 2 cores." in text
    assert "0.33 of the time" in text
    with pytest.raises(InputError, match="no int8 pipeline with 16 faces and 2 threads"):
        fill(
            page,
            figures | {"speed": MACHINE | {"measurements": [r for r in rows if r["faces"] < 16]}},
        )


def test_films_are_told(figures):
    video = dict.fromkeys((field.name for field in fields(VideoFigures)), 1.0) | {
        "one_face_times_real": 6.2,
        "one_face_fps": 156,
        "one_face_ratio": 4.5,
        "four_faces_times_real": 1.9,
        "live_p95_ms": 51,
        "drop_rate": 0.004,
        "edge_rss_mb": 202,
        "rss_mb": 329,
        "rss_slope_mb_per_hour": 0.4,
        "film_minutes": 120,
    }
    page = "<!-- figures: films -->\n<!-- end -->"
    text = fill(page, added(figures, MACHINE | {"video": video}, "films.json"))
    assert "real time | 6.2 (156 fps; 4.5 times as fast as frame by frame) | 5 |" in text
    assert "| four faces, times real time | 1.9 (1 fps; 1.0 times as fast as" in text
    assert text.count("(missed)") == 2
    assert "| 1 / 51 ms (1.0 times as soon as frame by frame) (missed) | 25 / 50 ms |" in text
    assert "| live pictures dropped, at 25 a second | 0.4 % |  |" in text
    assert "| 202 MB | 250 MB |" in text
    assert "Measured on AMD EPYC (AVX2), 2 cores." in text
    assert "After 120 minutes of looped film 329 MB were resident; the slope" in text
    unknown = video | dict.fromkeys(("edge_rss_mb", "rss_mb", "rss_slope_mb_per_hour"))
    text = fill(page, figures | {"films": MACHINE | {"video": unknown}})
    assert "| unknown | 250 MB |" in text
    assert "looped" not in text


def test_tracking_is_told(figures):
    counts = {"switches": 1329, "swaps": 2, "extra_ids": 3, "sightings": 55796}
    kinds = {"all": counts, "crossing": counts, "meeting": counts}
    found = {"scenes": 20, "seconds": 8.0, "mien": kinds, LOCATED: kinds, "plain overlap": kinds}
    text = fill("<!-- figures: tracking -->\n<!-- end -->", added(figures, found, "tracking.json"))
    assert "| mien | 1,329 | 2 | 3 |" in text
    assert f"| {LOCATED} | **1,329** | 2 | 3 |" in text
    assert "| plain overlap | 1,329 | 2 | 3 |" in text
    assert "40 scenes of 8 seconds, 55,796 sightings." in text


def test_a_figure_that_misses_its_goal_says_so(figures):
    page = "<!-- figures: verdict -->\nold\n<!-- end -->"
    figures = json.loads(json.dumps(figures))
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.5
    assert "FER2013 70.0 % (**missed**: 50.0 %)" in fill(page, figures)
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.71
    assert "FER2013 70.0 % (reached)" in fill(page, figures)
    figures["detector"]["mien"]["face_free"]["per_100"] = 1.25
    figures["detector"]["mien"]["portraits"]["recall"] = 0.995
    table = fill("<!-- figures: detector -->\n<!-- end -->", figures)
    assert "| 1.00 | 1.25 (missed) |" in table
    assert "| 99.0 % | 99.5 % |" in table


def test_only_blocks_are_touched(figures):
    page = "12.3 %\n<!-- figures: precision -->\nold\n<!-- end -->\n45.6 %\n"
    filled = fill(page, figures)
    assert filled.startswith("12.3 %\n<!-- figures: precision -->\nOn PublicTest")
    assert filled.endswith("<!-- end -->\n45.6 %\n")
    assert fill(filled, figures) == filled


def test_an_unknown_block_is_an_error(figures):
    with pytest.raises(InputError, match="accuracy"):
        fill("<!-- figures: luck -->\n<!-- end -->", figures)


def temporal(single, own, mean):
    """Figures of one set of clips; each way is accuracy, changes, median and mean delay."""
    names = ("accuracy", "changes_per_s", "delay_ms_median", "delay_ms_mean")
    more = {
        "recognised": 0.9,
        "macro_recall": 0.61,
        "true_changes_per_s": 0.47,
        "time_constant_s": 0.12,
    }
    more |= {"expected_calibration_error": 0.0375, "conformal_coverage": 0.915}
    ways = ("single frames", "recurrent", "best moving average")
    found = {
        way: dict(zip(names, values, strict=True)) | more
        for way, values in zip(ways, (single, own, mean), strict=True)
    }
    gained = {
        way: {"mean": own[0] - other[0], "standard_error": 0.004}
        for way, other in (("single frames", single), ("best moving average", mean))
    }
    return found | {"gained": gained}


def test_the_goals_of_the_recurrent_network_are_told():
    clean = temporal((0.85, 1.2, 0, 30), (0.86, 0.6, 0, 40), (0.85, 1, 0, 40))
    poor = temporal((0.70, 4.5, 0, 70), (0.76, 0.9, 40, 100), (0.73, 1.7, 45, 120))
    both = temporal((0.78, 2.8, 0, 50), (0.81, 0.8, 20, 65), (0.79, 1.5, 20, 70))
    figures = {"temporal": {"PrivateTest": {"clean": clean, "poor": poor, "all": both}}}
    figures["temporal"]["PublicTest"] = figures["temporal"]["PrivateTest"]
    page = (
        "<!-- figures: temporal -->\n<!-- end -->\n<!-- figures: temporal_verdict -->\n<!-- end -->"
    )
    filled = fill(page, figures)
    assert "| poor: **recurrent** | 76.0 % / 61.0 % | 0.90 | 40 / 100 ms | 90 % |" in filled
    assert "| clean: best moving average (0.12 s) | 85.0 % / 61.0 % |" in filled
    assert "missed" not in filled
    assert "all clips (reached: 81.0 % against 79.0 %, mean delay 65 against 70 ms)" in filled
    assert "5.0 times fewer" in filled
    assert "when poor (reached: +6.0 ± 0.4)" in filled
    assert "when clean (reached: +1.0 ± 0.4 here;" in filled
    clean["gained"]["single frames"]["mean"] = -1e-18
    assert "missed" not in fill(page, figures)
    clean["recurrent"]["accuracy"] = 0.84
    poor["recurrent"] |= {"accuracy": 0.74, "changes_per_s": 2.0, "delay_ms_mean": 130}
    clean["gained"]["single frames"]["mean"] = -0.01
    poor["gained"]["single frames"]["mean"] = 0.04
    clean["gained"]["best moving average"]["mean"] = -0.01
    filled = fill(page, figures)
    assert filled.count("**missed**") == 5
    assert "when poor\n(**missed**: 74.0 % against 73.0 %, mean delay 130 against 120 ms)" in filled
    assert "clean\n(**missed**: 84.0 % against 85.0 %, mean delay 40 against 40 ms)" in filled
    assert "0.037 and 91.5 % when clean, 0.037 and 91.5 % when poor" in filled
    clean["recurrent"]["accuracy"] = 0.849
    clean["gained"]["best moving average"]["mean"] = -0.001
    told = "clean\n(even, within the standard error of the accuracy: 84.9 % against 85.0 %"
    assert told in fill(page, figures)
    poor["recurrent"] |= {"delay_ms_median": None, "delay_ms_mean": None}
    filled = fill(page, figures)
    assert "| poor: **recurrent** | 74.0 % / 61.0 % | 2.00 | - / - ms | 90 % |" in filled
    assert "(**missed**: 74.0 % against 73.0 %, mean delay - against 120 ms)" in filled
