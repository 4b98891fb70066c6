from pathlib import Path

from mien.apps.cli import serve


def test_what_is_not_given_is_left_to_the_settings(mien, monkeypatch):
    seen = []
    monkeypatch.setattr(serve, "launch_server", lambda **options: seen.append(options))
    assert mien("serve", "--port", 0, "--workers", 3, "--key", "a.pem").code == 0
    (options,) = seen
    assert options.pop("announce") is serve.complain
    assert options == {
        "host": None, "port": 0, "certificate": None, "key": Path("a.pem"), "workers": 3,
    }  # fmt: skip
