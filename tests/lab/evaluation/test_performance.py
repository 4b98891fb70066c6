from dataclasses import fields

import pytest

from mien.core.errors import InputError
from mien.pipeline.video_benchmark import VideoFigures
from mien_lab.evaluation.documents import fill
from mien_lab.evaluation.shipped import added
from mien_lab.evaluation.tracking import LOCATED

MACHINE = {"processor": "AMD EPYC (AVX2)", "cores": 2}


def test_speed_is_told(shipped_figures):
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
    text = fill(page, added(shipped_figures, MACHINE | {"measurements": rows}, "speed.json"))
    assert "|  | 1 face, 1 thread | 1 face, 2 threads | 16 faces, 2 threads |" in text
    assert "| detector alone | 29 | 28 | 28 |" in text
    assert "| whole, int8 (default) | 31 | 30 | 45 |" in text
    assert "| whole, fp32 | 41 | 40 | 55 |" in text
    assert "Measured on AMD EPYC (AVX2), 2 cores." in text
    assert "0.33 of the time" in text
    with pytest.raises(InputError, match="no int8 pipeline with 16 faces and 2 threads"):
        fill(
            page,
            shipped_figures
            | {"speed": MACHINE | {"measurements": [r for r in rows if r["faces"] < 16]}},
        )


def test_films_are_told(shipped_figures):
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
    text = fill(page, added(shipped_figures, MACHINE | {"video": video}, "films.json"))
    assert "real time | 6.2 (156 fps; 4.5 times as fast as frame by frame) | 5 |" in text
    assert "| four faces, times real time | 1.9 (1 fps; 1.0 times as fast as" in text
    assert text.count("(missed)") == 2
    assert "| 1 / 51 ms (1.0 times as fast as frame by frame) (missed) | 25 / 50 ms |" in text
    assert "| live frames dropped, at 25 per second | 0.4 % |  |" in text
    assert "| 202 MB | 250 MB |" in text
    assert "Measured on AMD EPYC (AVX2), 2 cores." in text
    assert "After 120 minutes of looped video, resident memory was 329 MB; its slope" in text
    unknown = video | dict.fromkeys(("edge_rss_mb", "rss_mb", "rss_slope_mb_per_hour"))
    text = fill(page, shipped_figures | {"films": MACHINE | {"video": unknown}})
    assert "| unknown | 250 MB |" in text
    assert "looped" not in text


def test_tracking_is_told(shipped_figures):
    counts = {"switches": 1329, "swaps": 2, "extra_ids": 3, "sightings": 55796}
    kinds = {"all": counts, "crossing": counts, "meeting": counts}
    located = kinds | {"all": counts | {"sightings": 54023}}
    found = {"scenes": 20, "seconds": 8.0, "mien": kinds, LOCATED: located, "plain overlap": kinds}
    page = "<!-- figures: tracking -->\n<!-- end -->"
    text = fill(page, added(shipped_figures, found, "tracking.json"))
    assert "| mien | 1,329 | 2 | 3 |" in text
    assert f"| {LOCATED} | **1,329** | 2 | 3 |" in text
    assert "| plain overlap | 1,329 | 2 | 3 |" in text
    assert "40 scenes of 8 seconds, 55,796 sightings; in the bold row 54,023, since" in text
