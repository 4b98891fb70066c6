import subprocess
import sys

import mien

IMPORT = """
import os, sys
import cv2, numpy  # both set variables for their own libraries
events = []
before = dict(os.environ)
def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.mkdir", "os.putenv")):
        events.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        events.append(f"write {arguments[0]}")
sys.addaudithook(watch)
sys.dont_write_bytecode = True
import mien
heavy = {"torch", "sklearn", "pyarrow", "mien_lab", "typer", "pandas", "polars"} & set(sys.modules)
assert not heavy, heavy
assert not events, events
assert dict(os.environ) == before
"""


def test_importing_does_nothing():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_root_has_at_most_ten_names():
    assert len(mien.__all__) <= 10
    assert all(hasattr(mien, name) for name in mien.__all__)
