"""The load test itself: its messages and exit status."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "web/e2e/load.py"


def run(server, *options):
    process, port, _ = server
    command = [sys.executable, str(SCRIPT), str(port), "--pid", str(process.pid), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def load():
    spec = importlib.util.spec_from_file_location("load", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_run_without_faults(server):
    code, summary = run(server, "--viewers=2", "--rate=1", "--seconds=3", "--growth=500")
    assert (code, summary["faults"]) == (0, [])
    assert summary["sent"] == summary["readings"] > 0
    assert summary["delay_ms"]["p50"] <= summary["delay_ms"]["p95"]
    assert len(summary["memory_mb"]) == 2


def test_viewers_that_are_refused_are_faults(server):
    code, summary = run(server, "--viewers=17", "--rate=1", "--seconds=1", "--growth=500")
    assert code == 1
    assert len(summary["broken"]) == 1


CLEAN = {"problems": 0, "replaced": 0, "lost": 0, "broken": []}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"problems": 1}, "problem"),
        ({"replaced": 1}, "newer"),
        ({"lost": 1}, "not answered"),
        ({"memory_mb": [100, 180, 200, 220, 233]}, "from 200 to 233 MB"),
        ({"memory_mb": [100, None]}, "not known"),
    ],
)
def test_faults(load, changed, word):
    clean = {**CLEAN, "memory_mb": [100, 180, 200, 220, 232]}
    assert load.faults(clean, 32, watched=True) == []
    (fault,) = load.faults({**clean, **changed}, 32, watched=True)
    assert word in fault
