"""Where reading gets unreliable, measured on made faces."""

from mien_lab.evaluation.limits import measure_limits


def test_every_condition_is_measured_at_each_severity(fer_folder):
    found = measure_limits(fer_folder, precision="int8")
    assert set(found) == {"size", "sharpness", "contrast", "brightness", "turn"}
    for name in ("size", "sharpness", "contrast"):
        measures = [figures["measure"] for figures in found[name]]
        assert measures == sorted(measures, reverse=True)
        assert all(0 <= figures["accuracy"] <= 1 for figures in found[name])
