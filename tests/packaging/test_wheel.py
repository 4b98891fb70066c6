"""What lies in the wheel, and what becomes of it without Node."""

import contextlib
import os
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PAGE = "src/mien/apps/web/static/index.html"
NPM = f"""#!/bin/sh
echo "$@" >> ../asked
if [ "$1" = run ]; then /bin/mkdir -p ../src/mien/apps/web/static; echo built > ../{PAGE}; fi
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A clone with little code in it, on a machine without Node."""
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("web/package.json", "web/src/main.tsx", "src/mien_lab/__init__.py"):
        write(tmp_path / name)
    write(tmp_path / "src/mien/__init__.py", '__version__ = "0.0.1"\n')
    write(tmp_path / "src/mien/weights/expression.onnx")
    write(tmp_path / ".gitignore", (ROOT / ".gitignore").read_text())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text="content"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def with_node(project):
    write(project / "bin/npm", NPM)
    (project / "bin/npm").chmod(0o755)


def build(project, version="standard"):
    """Names of the files in the wheel."""
    (wheel,) = WheelBuilder(str(project)).build(directory=str(project / "dist"), versions=[version])
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def asked(project):
    file = project / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_pages_that_are_built_are_in_it(project, capfd):
    write(project / PAGE)
    write(project / "src/mien/apps/web/static/ort/runtime.wasm")
    names = build(project)
    assert "mien/apps/web/static/index.html" in names
    assert "mien/apps/web/static/ort/runtime.wasm" in names
    assert "mien/weights/expression.onnx" in names
    assert "PAGES" not in "".join(capfd.readouterr())


def test_without_node_there_is_a_wheel_and_a_warning(project, capfd):
    names = build(project)
    assert "mien/__init__.py" in names
    assert not [name for name in names if "static" in name]
    assert "THERE WILL BE NO PAGES" in "".join(capfd.readouterr())


def test_missing_pages_are_built(project, capfd):
    with_node(project)
    assert "mien/apps/web/static/index.html" in build(project)
    assert asked(project) == ["ci --no-audit --no-fund", "run build"]
    assert "PAGES" not in "".join(capfd.readouterr())


def test_stale_pages_are_built_anew_and_fresh_ones_are_not(project, capfd):
    write(project / PAGE, "old")
    write(project / "web/node_modules/one/index.js")
    os.utime(project / PAGE, (1, 1))
    build(project)
    assert "OLDER" in "".join(capfd.readouterr())
    with_node(project)
    build(project)
    write(project / "web/tests/page.test.ts")
    build(project)
    assert asked(project) == ["run build"]
    assert (project / PAGE).read_text() == "built\n"


def test_an_editable_install_asks_for_nothing(project, capfd):
    with_node(project)
    # What hatchling itself needs for it, pip brings along; the pages' turn is before.
    with contextlib.suppress(ModuleNotFoundError):
        build(project, "editable")
    assert asked(project) == []
    assert "PAGES" not in "".join(capfd.readouterr())


def test_the_package_ships_its_weights_and_its_pages_where_they_are_built():
    found = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {"mien/py.typed", "mien/weights/expression.onnx", "mien/apps/web/app.py"} <= found
    assert ("mien/apps/web/static/index.html" in found) == (ROOT / PAGE).is_file()
    assert not [name for name in found if not name.startswith(("mien/", "mien_lab/"))]
