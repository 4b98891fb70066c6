import sys

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")

from mien.apps.launch import launch_server
from mien.core.errors import InputError


def test_what_the_server_needs_and_is_not_installed_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "mien.apps.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(InputError, match=r"needs uvicorn, .*; run pip install '\.\[web\]'"):
        launch_server()
