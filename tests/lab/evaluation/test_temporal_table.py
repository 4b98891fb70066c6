from mien_lab.evaluation.documents import fill


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
    averages = {"0.04": found["single frames"], "0.12": found["best moving average"]}
    return found | {"gained": gained, "moving averages": averages}


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
    assert "all clips (reached: 81.0 % against 79.0 %, mean delay 65 against 70 ms; of" in filled
    assert "of averages as early, that of 0.04 s is the best: 78.0 %)" in filled
    assert "5.0 times fewer" in filled
    assert "when poor (reached: +6.0 ± 0.4)" in filled
    assert "when clean (reached: +1.0 ± 0.4 here;" in filled
    clean["gained"]["single frames"]["mean"] = -1e-18
    assert "missed" not in fill(page, figures)
    clean["gained"]["single frames"]["mean"] = -0.003
    told = "when clean (even, within the standard error of the accuracy: -0.3 ± 0.4 here;"
    assert told in fill(page, figures)
    clean["recurrent"]["accuracy"] = 0.84
    poor["recurrent"] |= {"accuracy": 0.74, "changes_per_s": 2.0, "delay_ms_mean": 130}
    clean["gained"]["single frames"]["mean"] = -0.01
    poor["gained"]["single frames"]["mean"] = 0.04
    clean["gained"]["best moving average"]["mean"] = -0.01
    filled = fill(page, figures)
    assert filled.count("**missed**") == 5
    assert (
        "when poor\n(**missed**: 74.0 % against 73.0 %, mean delay 130 against 120 ms; of" in filled
    )
    assert "of averages as early, that of 0.12 s is the best: 73.0 %)" in filled
    assert "clean\n(**missed**: 84.0 % against 85.0 %, mean delay 40 against 40 ms; of" in filled
    assert "0.037 and 91.5 % when clean, 0.037 and 91.5 % when poor" in filled
    clean["recurrent"]["accuracy"] = 0.849
    clean["gained"]["best moving average"]["mean"] = -0.001
    told = "clean\n(even, within the standard error of the accuracy: 84.9 % against 85.0 %"
    assert told in fill(page, figures)
    poor["recurrent"] |= {"delay_ms_median": None, "delay_ms_mean": None, "recognised": None}
    poor["gained"]["single frames"]["standard_error"] = None
    clean["gained"]["best moving average"]["standard_error"] = None
    filled = fill(page, figures)
    assert "| poor: **recurrent** | 74.0 % / 61.0 % | 2.00 | - / - ms | - |" in filled
    assert "when poor (**missed**: +4.0)" in filled
    assert "clean\n(**missed**: 84.9 % against 85.0 %" in filled
    assert (
        "(**missed**: 74.0 % against 73.0 %, mean delay - against 120 ms; no average is as early)"
        in filled
    )
