from mien.apps.settings import NOTICE, WebSettings


def served(client):
    return client.get("/api/v1/models").json()["consent"]


def test_the_page_has_its_own_words_where_none_are_set(serving):
    with serving() as client:
        notice = served(client)
    assert (notice["text"], notice["where"], notice["kept"]) == (NOTICE, None, None)


def test_all_words_are_set(serving, monkeypatch):
    monkeypatch.setenv("MIEN_CONSENT__WHERE", "On a machine in the cellar.")
    monkeypatch.setenv("MIEN_CONSENT__KEPT", "Numbers, for a week.")
    with serving() as client:
        notice = served(client)
    assert notice["where"] == "On a machine in the cellar."
    assert notice["kept"] == "Numbers, for a week."


def test_other_words_are_agreed_to_again():
    versions = {
        WebSettings(consent=words).consent.version
        for words in ({}, {"text": "Other."}, {"where": "Other."}, {"kept": "Other."})
    }
    assert len(versions) == 4
    assert WebSettings().consent.version == WebSettings().consent.version


def test_a_version_that_is_given_stays():
    assert WebSettings(consent={"version": "7", "text": "Other."}).consent.version == "7"
