from mien.apps.settings import NOTICE


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
