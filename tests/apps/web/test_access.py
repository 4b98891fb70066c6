import re
import time

import pytest
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.testclient import WebSocketDenialResponse

from mien.apps.settings import WebSettings
from mien.apps.web.access import client_address
from mien.apps.web.app import create_app

TOKEN = "a-token-of-some-length"
MODELS = "/api/v1/models"


def test_another_name_is_refused(client):
    answer = client.get(MODELS, headers={"host": "rebound.example"})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8383", "[::1]:8383"])
def test_loopback_names_are_accepted(client, host):
    assert client.get(MODELS, headers={"host": host}).status_code == 200


def test_other_sites_may_not_write_or_watch(client):
    foreign = {"origin": "http://elsewhere.example"}
    assert client.post("/api/v1/analyze", content=b"x", headers=foreign).status_code == 403
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/api/v1/live", headers={**foreign, "host": "127.0.0.1"}),
    ):
        pass
    assert refused.value.status_code == 403
    assert "access-control-allow-origin" not in client.get(MODELS, headers=foreign).headers


@pytest.mark.parametrize("written", ["https://friend.example", "https://Friend.example/"])
def test_configured_origins_may(serving, written):
    origin = {"origin": "https://friend.example"}
    with serving(allowed_origins=(written,)) as client:
        answer = client.post("/api/v1/analyze", content=b"x", headers=origin)
        assert answer.status_code == 415
        assert answer.headers["access-control-allow-origin"] == "https://friend.example"


def test_a_configured_origin_may_ask_before_it_sends_its_token(serving):
    asks = {
        "origin": "https://friend.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    with serving(allowed_origins=("https://friend.example",), token=TOKEN) as client:
        answer = client.options(MODELS, headers=asks)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://friend.example"
        refused = client.get(MODELS, headers=asks)
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://friend.example"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
    with serving(token=TOKEN) as client:
        assert client.options(MODELS, headers=asks).status_code == 401


def test_an_origin_that_is_none_is_foreign(client):
    answer = client.post("/api/v1/analyze", content=b"x", headers={"origin": "http://["})
    assert answer.status_code == 403


def test_token(serving):
    with serving(token=TOKEN) as client:
        assert client.get("/healthz").status_code == 200
        for path in (MODELS, "/metrics", "/weights/detector.onnx", "/api/v1/openapi.json"):
            assert client.get(path).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert client.get(MODELS, headers=bearer).status_code == 200
        wrong = {"authorization": f"Bearer {TOKEN}x"}
        assert client.get(MODELS, headers=wrong).status_code == 401
        assert client.post("/api/v1/session", json={"token": "wrong"}).status_code == 401
        opened = client.post("/api/v1/session", json={"token": TOKEN})
        assert opened.status_code == 204
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie
        assert "secure" not in cookie
        proxied = {"origin": "https://127.0.0.1"}
        opened = client.post("/api/v1/session", json={"token": TOKEN}, headers=proxied)
        assert "secure" in opened.headers["set-cookie"].lower()
        client.cookies.clear()
        client.post("/api/v1/session", json={"token": TOKEN})
        assert client.get(MODELS).status_code == 200


def test_long_cookies_are_not_parsed(client):
    """Python 3.11 takes quadratic time for them."""
    cookie = 'mien-session="' + 30_000 * "\\" + '"'
    refused = client.get("/healthz", headers={"Cookie": cookie})
    assert refused.status_code == 431
    assert "too long" in refused.json()["detail"]


def test_a_client_of_ipv6_has_one_address():
    def address(host):
        return client_address(HTTPConnection({"type": "http", "client": (host, 1)}))

    assert address("2001:db8::1") == address("2001:db8::ffff:1") != address("2001:db8:0:1::1")
    assert address("10.0.0.7") == "10.0.0.7"


@pytest.mark.parametrize(
    "guess",
    [
        lambda client, token: client.post("/api/v1/session", json={"token": token}),
        lambda client, token: client.get(MODELS, headers={"authorization": f"Bearer {token}"}),
    ],
)
def test_guessing_tokens_is_limited(serving, guess):
    with serving(token=TOKEN) as client:
        for _ in range(30):
            assert guess(client, TOKEN).status_code < 300
        codes = [guess(client, f"wrong-{number}").status_code for number in range(60)]
        assert codes[0] == 401
        assert codes[-1] == 429
        assert guess(client, TOKEN).status_code == 429, "it might have been guessed"
        assert client.get("/healthz").status_code == 200


def test_headers(client):
    for path in ("/", "/healthz", MODELS, "/api/v1/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_body_that_is_no_json(client):
    json = {"content-type": "application/json"}
    answer = client.post("/api/v1/session", content=b'{"token": ', headers=json)
    assert answer.status_code == 422
    assert re.fullmatch(r"the body is not valid JSON \(.+\); correct it", answer.json()["detail"])


def test_large_bodies_elsewhere(client):
    answer = client.post("/api/v1/session", content=b"x" * 70_000)
    assert answer.status_code == 413


def test_bodies_that_grow_large_elsewhere(client):
    chunks = iter([b"x" * 10_000] * 7)
    answer = client.post("/api/v1/session", content=chunks)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert answer.json()["detail"].startswith("the body has more than 64 kB")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/analyze", "POST"),
        ("PUT", "/api/v1/session", "POST"),
        ("DELETE", MODELS, "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/api/v1/jobs/x", "GET, HEAD, DELETE"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_wrong_methods_are_told_the_right_ones(client, method, path, allowed):
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", MODELS])
def test_head_is_answered_like_get(client, path):
    assert client.head(path).status_code == 200
    assert "head" not in client.get("/api/v1/openapi.json").json()["paths"][path]


def test_what_has_no_body_is_not_too_slow_with_it(serving):
    with serving(read_timeout_s=1e-9) as client:
        url = client.get(MODELS).json()["models"][0]["url"]
        assert client.get(url).status_code == 200


def test_a_fault_is_a_problem_like_others(tmp_path, caplog):
    def fault(_):
        raise RuntimeError("secret")

    app = create_app(WebSettings(workers=1, temporary=tmp_path))
    app.router.routes.insert(0, Route("/fault", fault))
    with TestClient(app, "http://127.0.0.1") as client:
        answer = client.get("/fault")
        counts = client.get("/metrics").text
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers
    assert "secret" not in answer.text
    assert "secret" in caplog.text
    assert 'status="500"' in counts


def test_an_upload_that_trickles_is_cut_off(serving):
    def trickle():
        for _ in range(20):
            time.sleep(0.1)
            yield b"x"

    with serving(read_timeout_s=0.4) as client:
        assert client.post("/api/v1/analyze", content=trickle()).status_code == 408
