import pytest

pytest.importorskip("pydantic_settings", reason="the web extra is not installed")

from pydantic import ValidationError

from mien.apps.settings import WebSettings, is_loopback

TOKEN = "a-token-of-some-length"


def test_names_are_set_with_commas_or_as_json(monkeypatch):
    for text in ("a.example, b.example", '["a.example", "b.example"]'):
        monkeypatch.setenv("MIEN_ALLOWED_HOSTS", text)
        assert WebSettings().allowed_hosts == ("a.example", "b.example")
    monkeypatch.setenv("MIEN_ALLOWED_HOSTS", '["a.example"')
    with pytest.raises(ValidationError, match="allowed_hosts"):
        WebSettings()


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Box.example:8383", "box.example"),
        ("http://box.example/", "box.example"),
        ("10.0.0.7:8383", "10.0.0.7"),
        ("2001:DB8:0::7", "[2001:db8::7]"),
        ("[2001:db8::7]", "[2001:db8::7]"),
        ("[2001:db8::7]:8383", "[2001:db8::7]"),
        ('["2001:db8::7"]', "[2001:db8::7]"),
    ],
)
def test_hosts_are_known_as_requests_name_them(monkeypatch, written, asked):
    monkeypatch.setenv("MIEN_ALLOWED_HOSTS", f" {written}")
    assert WebSettings().allowed_hosts == (asked,)


@pytest.mark.parametrize("wrong", ["http://", ":8383", "[2001:db8"])
def test_what_names_no_host_is_refused(wrong):
    with pytest.raises(ValidationError, match="allowed_hosts"):
        WebSettings(allowed_hosts=(wrong,))


def test_open_addresses_need_a_token():
    with pytest.raises(ValidationError, match="MIEN_TOKEN"):
        WebSettings(host="0.0.0.0")
    with pytest.raises(ValidationError, match="16 characters"):
        WebSettings(token="short")
    with pytest.raises(ValidationError, match="ASCII"):
        WebSettings(token="sechzehn Zeichen: äöü")
    assert WebSettings(host="0.0.0.0", token=TOKEN).token is not None


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_addresses_that_only_this_machine_reaches(host, own):
    assert is_loopback(host) is own


def test_other_words_are_agreed_to_again():
    versions = {
        WebSettings(consent=words).consent.version
        for words in ({}, {"text": "Other."}, {"where": "Other."}, {"kept": "Other."})
    }
    assert len(versions) == 4
    assert WebSettings().consent.version == WebSettings().consent.version


def test_a_version_that_is_given_stays():
    assert WebSettings(consent={"version": "7", "text": "Other."}).consent.version == "7"
