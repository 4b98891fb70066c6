import xml.etree.ElementTree as ET

import pytest

from mien_lab.evaluation.curves import curve_sheet

SVG = "{http://www.w3.org/2000/svg}"


def sheet(readers, kinds=("blur",)):
    """The sheet of readers by name, each with its accuracy on clean faces and by severity."""
    figures = {
        "corruptions": {
            kind: {"amounts": [0.5, 1, 2, 3, 4], "unit": "pixels <blurred>"} for kind in kinds
        },
        "readers": {
            name: {
                "clean": {"accuracy": clean},
                "relative_accuracy": kept,
                "curves": {kind: [{"accuracy": value} for value in curve] for kind in kinds},
            }
            for name, (kept, clean, curve) in readers.items()
        },
    }
    return ET.fromstring(curve_sheet(figures))


def words(root):
    return [text.text for text in root.iter(f"{SVG}text")]


def test_a_curve_runs_from_clean_faces_to_the_worst_damage():
    root = sheet({"mien": (0.5, 1.0, [0.9, 0.8, 0.5, 0.25, 0.0])})
    (line,) = root.iter(f"{SVG}polyline")
    x, y = zip(*(map(float, point.split(",")) for point in line.get("points").split()), strict=True)
    grid = {float(one.get("y1")) for one in root.iter(f"{SVG}line")}
    assert (max(grid), min(grid)) == (y[5], y[0])
    assert y[3] == pytest.approx((y[0] + y[5]) / 2)
    assert list(y) == sorted(y)
    assert list(x) == sorted(x)
    ticks = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "middle"]
    assert [text.text for text in ticks[:6]] == ["none", "0.5", "1", "2", "3", "4"]
    assert [float(text.get("x")) for text in ticks[:6]] == list(x)


def test_readers_are_told_apart_by_name_and_colour():
    curve = [0.5] * 5
    root = sheet({"mien": (0.512, 0.9, curve), "a<b": (None, 0.8, curve)})
    assert {"mien, keeps 51.2%", "a<b", "pixels <blurred>"} <= set(words(root))
    keys = [one.get("fill") for one in root.iter(f"{SVG}rect") if one.get("height") == "4"]
    assert [one.get("stroke") for one in root.iter(f"{SVG}polyline")] == keys
    assert len(set(keys)) == 2


def test_panels_go_on_in_another_row():
    kinds = tuple("abcde")
    root = sheet({"mien": (0.5, 0.9, [0.5] * 5)}, kinds)
    places = [panel.get("transform") for panel in root.iter(f"{SVG}g")]
    assert len(set(places)) == len(kinds)
    left, top = places[0].removeprefix("translate(").removesuffix(")").split()
    assert places[4].startswith(f"translate({left} ")
    assert float(places[4].removesuffix(")").split()[1]) > float(top)
    one_row = sheet({"mien": (0.5, 0.9, [0.5] * 5)}, kinds[:4])
    assert float(root.get("height")) > float(one_row.get("height"))
