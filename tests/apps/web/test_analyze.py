import asyncio
import csv
import errno
import io
import json
import os
import shutil
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import av
import jsonschema
import numpy as np
import PIL.Image
import pytest
from fastapi.responses import FileResponse

from mien.apps.web import filming
from mien.apps.web.filming import FilmReader
from mien.apps.web.workspace import Workspace
from mien.core.errors import OutputError
from mien.report.clips import ClipWriter
from mien.report.documents import JsonWriter
from mien.report.html import page_policy
from mien.report.schema import document_schema
from mien.runtime.artifact import weights_folder

URL = "/api/v1/analyze"


def png(width, height):
    file = io.BytesIO()
    PIL.Image.fromarray(np.zeros((height, width), np.uint8)).save(file, "PNG")
    return file.getvalue()


def portrait_film(path, portrait):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 288, "yuv420p"
        for _ in range(8):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, "rgb24")))
        output.mux(stream.encode())
    return path.read_bytes()


def finished(client, address, state="done"):
    for _ in range(300):
        view = client.get(address).json()
        if view["state"] not in ("queued", "running"):
            assert view["state"] == state, view
            return view
        time.sleep(0.05)
    raise AssertionError(view)


def room_count(client):
    return sum(path.is_dir() for path in client.app.state.engine.workspace.folder.iterdir())


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def picture(portrait_file):
    return portrait_file.read_bytes()


def test_picture_as_form_and_raw(client, picture, analyzer):
    as_form = client.post(URL, files={"file": ("portrait.jpg", picture, "image/jpeg")}).json()
    raw = client.post(URL, content=picture, params={"name": "portrait.jpg"}).json()
    assert as_form == raw
    jsonschema.Draft202012Validator(document_schema()).validate(raw)
    (face,) = raw["items"][0]["frames"][0]["faces"]
    assert face["top"] == analyzer.analyze(picture).faces[0].top
    assert raw["items"][0]["source"] == "portrait.jpg"
    assert room_count(client) == 0


def test_activation_lies_on_the_face(client, picture, monkeypatch):
    detector = client.app.state.engine.analyzer.parts.reader.detector
    searched = []
    search = detector.detect
    monkeypatch.setattr(detector, "detect", lambda image: searched.append(1) or search(image))
    found = client.post(URL, content=picture, params={"activation": True}).json()
    (face,) = found["items"][0]["frames"][0]["faces"]
    assert len(searched) == 1, "the faces that were found are explained"
    shown = face["activation"]
    assert shown["emotion"] == face["top"]
    assert len(shown["values"]) == shown["rows"] * shown["columns"]
    middle = np.mean(shown["corners"], axis=0)
    box = face["box"]
    assert box["x"] < middle[0] < box["x"] + box["width"]
    assert box["y"] < middle[1] < box["y"] + box["height"]


def test_what_lies_on_the_disk_meanwhile_is_not_what_reads(client, tmp_path, monkeypatch):
    before = client.get("/api/v1/models").json()["models"]
    folder = tmp_path / "upgraded"
    shutil.copytree(weights_folder(), folder)
    for path in folder.glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": "0" * 64}))
    analyzer = client.app.state.engine.analyzer
    monkeypatch.setattr(analyzer, "config", replace(analyzer.config, weights=folder))
    model = client.post(URL, content=png(60, 40)).json()["model"]
    assert {card["name"]: card["sha256"] for card in before} == {
        name: one["sha256"] for name, one in model.items()
    }
    assert client.get("/api/v1/models").json()["models"] == before
    assert client.get(before[0]["url"]).status_code == 503


def test_no_face_is_an_empty_list(client):
    found = client.post(URL, content=png(60, 40)).json()
    assert found["items"][0]["frames"] == [{"index": 0, "time_s": 0.0, "faces": []}]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 422, "empty"),
        (b"no picture", 415, "upload"),
        (b"x" * 2_000_001, 413, "2 MB"),
        (png(2000, 1001), 413, "upload has 2000x1001 pixels (2.002 million), above the limit"),
    ],
)
def test_refusals_are_problems(client, body, status, word):
    answer = client.post(URL, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert word in answer.json()["detail"]
    assert str(client.app.state.engine.workspace.folder) not in answer.text
    assert room_count(client) == 0


def test_a_picture_that_needs_more_memory_than_there_is(client, monkeypatch):
    def greedy(_):
        raise MemoryError

    monkeypatch.setattr("mien.vision.images.to_rgb", greedy)
    answer = client.post(URL, content=png(60, 40), params={"name": "a.png"})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "a.png needs more memory than there is; make it smaller"


def test_a_broken_form_is_a_problem(client):
    kind = {"content-type": "multipart/form-data"}
    assert client.post(URL, content=b"abc", headers=kind).status_code == 400
    long = {"content-type": f"multipart/form-data; boundary={'x' * 300}"}
    assert client.post(URL, content=b"abc", headers=long).status_code == 400
    other = client.post(URL, files={"other": b"abc"})
    assert (other.status_code, "`file`" in other.json()["detail"]) == (400, True)


def test_a_form_that_breaks_off_is_not_read(client, picture):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    broken = client.post(URL, content=head + picture, headers=kind)
    assert (broken.status_code, "breaks off" in broken.json()["detail"]) == (400, True)
    assert room_count(client) == 0
    whole = client.post(URL, content=head + picture + b"\r\n--x--\r\n", headers=kind)
    assert whole.status_code == 200


def test_too_many_uploads(serving, picture):
    with serving(uploads_per_minute=1) as client:
        assert client.post(URL, content=png(9, 9)).status_code == 200
        answer = client.post(URL, content=png(9, 9))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_film_becomes_a_job(client, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    answer = client.post(URL, files={"file": ("my clip.mp4", film)}, params={"every": 2})
    assert answer.status_code == 202
    view = finished(client, answer.headers["location"])
    assert (view["frames_read"], view["progress"]) == (10, 1.0)
    document = client.get(view["results"]["json"])
    assert "my%20clip" in document.headers["content-disposition"]
    assert [frame["index"] for frame in document.json()["items"][0]["frames"]] == list(
        range(0, 20, 2)
    )
    assert document.json()["items"][0]["source"] == "my clip.mp4"
    assert client.get(view["results"]["csv"]).text.startswith("source,frame,")
    assert client.get(view["results"]["film"]).content[4:8] == b"ftyp"
    assert view["events"] == []
    assert client.get(f"/api/v1/jobs/{view['id']}/results/report").status_code == 422
    assert client.delete(answer.headers["location"]).status_code == 204
    assert client.get(answer.headers["location"]).status_code == 404
    assert room_count(client) == 0


def test_what_is_left_out_of_a_film_is_decoded_in_turns_of_its_own(
    client, make_film, tmp_path, monkeypatch
):
    def step(reader):
        turns.append(reader)
        return read(reader)

    film = make_film(tmp_path / "clip.mp4").read_bytes()
    read, turns = FilmReader.step, []
    monkeypatch.setattr(FilmReader, "step", step)
    where = client.post(URL, content=film, params={"every": 1000}).headers["location"]
    assert finished(client, where)["frames_read"] == 1
    assert len(turns) == 21, "of each of the frames, and of the end"
    client.delete(where)


def test_a_film_is_opened_when_it_is_its_turn(client, make_film, tmp_path, monkeypatch):
    def open_media(*args, **options):
        opened.append(args)
        return really_open(*args, **options)

    def finish(reader):
        assert gate.wait(10)
        return really_finish(reader)

    film = make_film(tmp_path / "clip.mkv").read_bytes()
    really_open, really_finish = filming.open_media, FilmReader.finish
    opened, gate = [], threading.Event()
    monkeypatch.setattr(filming, "open_media", open_media)
    monkeypatch.setattr(FilmReader, "finish", finish)
    first, second, third = (client.post(URL, content=film).headers["location"] for _ in range(3))
    until(lambda: client.get(first).json()["frames_read"] == 20)
    assert 0.9 < client.get(first).json()["progress"] <= 1
    view = client.get(second).json()
    assert (view["state"], view["progress"], len(opened)) == ("queued", 0, 1)
    assert client.get(f"{second}/results/json").status_code == 404
    assert client.post(URL, content=b"no film").status_code == 415
    assert client.delete(second).status_code == 204
    assert room_count(client) == 2
    gate.set()
    for where in (first, third):
        assert finished(client, where)["frames_read"] == 20
        client.delete(where)
    assert len(opened) == 2


def test_a_result_can_be_had_in_parts(client, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    where = client.post(URL, content=film).headers["location"]
    results = finished(client, where)["results"]
    for url in (results["csv"], results["report"]):
        whole = client.get(url).content
        part = client.get(url, headers={"range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, whole[2:6])
        beyond = client.get(url, headers={"range": f"bytes={len(whole)}-"})
        assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
        wrong = client.get(url, headers={"range": "lines=1-2"})
        for answer, status in ((beyond, 416), (wrong, 400)):
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert "Range" in answer.json()["detail"]
    client.delete(where)


def test_events_and_report_of_a_film(client, portrait, tmp_path):
    film = portrait_film(tmp_path / "portrait.mp4", portrait)
    where = client.post(URL, files={"file": ("a <b>.mp4", film)}).headers["location"]
    view = finished(client, where)
    (event,) = view["events"]
    assert (event["track_id"], event["expression"]) == (1, "happiness")
    assert event["duration_s"] == pytest.approx(event["offset_s"] - event["onset_s"], abs=1e-3)
    written = client.get(view["results"]["events"])
    (row,) = csv.DictReader(io.StringIO(written.text))
    assert row == {"source": "a <b>.mp4"} | {name: str(value) for name, value in event.items()}
    eaf = ET.fromstring(client.get(view["results"]["eaf"]).content)
    assert eaf.find("TIER").get("TIER_ID") == "face 1 happiness"
    assert eaf.find("HEADER/MEDIA_DESCRIPTOR").get("MEDIA_URL") == "a%20%3Cb%3E.mp4"
    report = client.get(view["results"]["report"])
    assert view["results"]["report"] == f"{where}/report"
    assert "<h1>a &lt;b&gt;.mp4</h1>" in report.text
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert page_policy() in report.headers["content-security-policy"]
    assert "inline" in report.headers["content-disposition"]
    assert str(client.app.state.engine.workspace.folder) not in report.text + written.text
    client.delete(where)


def test_there_is_no_report_of_what_is_not_done(client):
    assert client.get("/api/v1/jobs/none/report").status_code == 404


def test_a_film_can_be_stopped(client, make_film, tmp_path):
    times = [i / 25 for i in range(500)]
    film = make_film(tmp_path / "clip.mp4", times=times, size=(320, 240)).read_bytes()
    where = client.post(URL, content=film).headers["location"]
    begun = time.monotonic()
    assert client.delete(where).status_code == 204
    assert time.monotonic() - begun < 5
    assert room_count(client) == 0


def test_a_fault_while_reading_a_film_is_logged(client, make_film, tmp_path, monkeypatch, caplog):
    def fault(_):
        raise RuntimeError("what went wrong")

    monkeypatch.setattr(FilmReader, "step", fault)
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    where = client.post(URL, content=film).headers["location"]
    view = finished(client, where, "failed")
    assert "see the log" in view["error"]
    assert "what went wrong" in caplog.text
    client.delete(where)


def test_an_animation_that_breaks_off_at_once_is_named_as_it_was_sent(client):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (2, 99, 99, 3), np.uint8)
    first, second = map(PIL.Image.fromarray, noise)
    first.save(file, "PNG", save_all=True, append_images=[second])
    data = bytearray(file.getvalue())
    start = data.index(b"IDAT") + 4
    data[start : start + 400] = bytes(400)
    where = client.post(URL, content=bytes(data), params={"name": "a.png"}).headers["location"]
    view = finished(client, where, "failed")
    assert view["error"].startswith("a.png ")
    client.delete(where)


def test_a_result_that_cannot_be_written_does_not_say_where(
    client, make_film, tmp_path, monkeypatch
):
    def refuse(reader):
        raise OutputError(f"{reader._room / 'annotated.mp4'} cannot be written: the disk is full")

    monkeypatch.setattr(FilmReader, "finish", refuse)
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    where = client.post(URL, content=film).headers["location"]
    assert finished(client, where, "failed")["error"].startswith("annotated.mp4 cannot be written")
    client.delete(where)


def test_a_film_whose_results_meet_a_full_disk(client, make_film, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    film = make_film(tmp_path / "clip.mp4").read_bytes()
    for method in ("write", "end"):
        with monkeypatch.context() as patch:
            patch.setattr(JsonWriter, method, refuse)
            where = client.post(URL, content=film).headers["location"]
            view = finished(client, where, "failed")
        assert view["error"].startswith("the server's disk is full;")
        client.delete(where)


def test_a_film_that_grows_above_the_limit(client, make_film, tmp_path):
    small = make_film(tmp_path / "small.ts").read_bytes()
    large = make_film(tmp_path / "large.ts", size=(2000, 1002), times=[0, 0.1]).read_bytes()
    where = client.post(URL, content=small + large, params={"name": "a.ts"}).headers["location"]
    view = finished(client, where)
    assert view["warning"].startswith("a.ts has 2000x1002 pixels (2.004 million), above the limit")
    assert view["frames_read"] > 0
    client.delete(where)


def test_a_film_that_is_longer_than_it_may_be_and_does_not_say_so(
    serving, make_film, tmp_path, monkeypatch
):
    monkeypatch.setattr("mien.vision.video._Decoder.duration_s", lambda *_: None)
    film = make_film(tmp_path / "clip.mkv", times=[i / 10 for i in range(20)]).read_bytes()
    with serving(max_duration_s=1) as client:
        where = client.post(URL, content=film, params={"name": "a.mkv"}).headers["location"]
        view = finished(client, where)
        assert view["warning"] == "the film takes more than 1 seconds; cut it into parts"
        assert view["frames_read"] == 11
        assert len(client.get(view["results"]["json"]).json()["items"][0]["frames"]) == 11
        client.delete(where)


@pytest.mark.parametrize("method", ["write", "__exit__"])
def test_a_film_whose_annotated_copy_cannot_be_written(
    client, make_film, tmp_path, monkeypatch, method
):
    def refuse(clip, *_):
        raise OutputError(f"{clip._path} cannot be written: too wide; make it smaller")

    film = make_film(tmp_path / "clip.mp4").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(ClipWriter, method, refuse)
        where = client.post(URL, content=film).headers["location"]
        view = finished(client, where)
    assert view["warning"] == "annotated.mp4 cannot be written: too wide; make it smaller"
    assert view["results"].keys() == {"json", "csv", "events", "eaf", "report"}
    assert client.get(view["results"]["json"]).json()["items"][0]["frames"]
    client.delete(where)


class Full(io.BytesIO):
    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["room", "file"])
def test_a_full_disk(client, picture, monkeypatch, place):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if place == "room":
            patch.setattr(Workspace, "room", refuse)
        else:
            patch.setattr(Path, "open", lambda *_: Full())
        answer = client.post(URL, content=picture)
    assert answer.status_code == 507
    assert answer.headers["content-type"] == "application/problem+json"
    assert "disk is full" in answer.json()["detail"]
    assert room_count(client) == 0


@pytest.mark.parametrize("ranges", [{}, {"range": "bytes=0-9"}])
@pytest.mark.parametrize("result", ["results/json", "report"])
def test_a_film_that_is_deleted_before_its_result_is_opened(
    client, make_film, tmp_path, monkeypatch, result, ranges
):
    where = client.post(URL, content=make_film(tmp_path / "a.mp4").read_bytes()).headers["location"]
    finished(client, where)
    init = FileResponse.set_stat_headers

    def deleted(response, stat):
        init(response, stat)
        Path(response.path).unlink()

    monkeypatch.setattr(FileResponse, "set_stat_headers", deleted)
    answer = client.get(f"{where}/{result}", headers=ranges)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    again = client.get(f"{where}/{result}")
    assert (again.status_code, again.json()["detail"]) == (404, answer.json()["detail"])
    client.delete(where)


def test_a_long_name_keeps_its_extension(client, make_film, tmp_path):
    film = make_film(tmp_path / "a.mp4").read_bytes()
    name = "n" * 200 + ".MP4"
    where = client.post(URL, content=film, params={"name": name}).headers["location"]
    view = finished(client, where)
    assert view["source"] == "n" * 116 + ".MP4"
    assert view["source"] in client.get(view["results"]["eaf"]).text
    client.delete(where)


def raw(client, chunks=(), query="", gate=None, headers=(), whole=False):
    """An upload that sends some chunks and is cancelled when the gate opens: how it goes on."""
    messages = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    if whole:
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    answer = []

    async def receive():
        if messages:
            return messages.pop(0)
        while gate is None or not gate.is_set():
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message):
        answer.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), *headers],
    }

    async def call():
        async with asyncio.timeout(10):
            await client.app(scope, receive, send)
        start = next(one for one in answer if one["type"] == "http.response.start")
        return start["status"], dict(start["headers"])

    return client.portal.start_task_soon(call)


def test_an_upload_that_is_cancelled_is_no_fault(client, caplog):
    gate = threading.Event()
    gate.set()
    assert raw(client, [b"some of it"], gate=gate).result()[0] == 499
    counts = client.get("/metrics").text
    assert 'method="POST",status="499"} 1.0' in counts
    assert 'status="500"' not in counts
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert room_count(client) == 0


def test_a_film_whose_sender_has_gone_keeps_no_place(client, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    gate = threading.Event()
    gate.set()
    assert raw(client, [film], gate=gate, whole=True).result()[0] == 499
    assert len(client.app.state.engine.jobs) == 0
    assert room_count(client) == 0


def test_uploads_at_the_same_time_are_limited(serving):
    gate = threading.Event()
    with serving(max_uploads=1) as client:
        first = raw(client, [b"some of it"], gate=gate)
        until(lambda: room_count(client))
        status, headers = raw(client).result()
        assert status == 503
        assert int(headers[b"retry-after"]) > 0
        gate.set()
        assert first.result()[0] == 499
        assert client.post(URL, content=png(9, 9)).status_code == 200


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nsome of it',
    (b"content-type", b"multipart/form-data; boundary=x"),
)


def test_a_film_that_has_no_place_is_refused_before_its_bytes(serving, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    gate = threading.Event()
    with serving(max_jobs=1) as client:
        first = raw(client, [film[:10]], "name=first.mp4", gate)
        until(lambda: room_count(client))
        status, headers = raw(client, query="name=second.MP4").result()
        assert status == 429
        assert int(headers[b"retry-after"]) > 0
        gate.set()
        assert first.result()[0] == 499
        where = client.post(URL, content=film, params={"name": "clip.mp4"}).headers["location"]
        assert raw(client, [FORM[0]], headers=[FORM[1]]).result()[0] == 429
        assert client.post(URL, content=png(9, 9)).status_code == 200
        client.delete(where)
        assert client.post(URL, files={"file": ("clip.mp4", film)}).status_code == 202


def test_too_long_a_film(client, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4", times=range(0, 60, 2)).read_bytes()
    answer = client.post(URL, content=film)
    assert (answer.status_code, "30 seconds" in answer.json()["detail"]) == (413, True)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_short_film_that_begins_late(client, make_film, tmp_path, name):
    film = make_film(tmp_path / name, times=range(100, 110, 2)).read_bytes()
    answer = client.post(URL, content=film)
    assert answer.status_code == 202, answer.json()
    view = finished(client, answer.headers["location"])
    assert (view["frames_read"], view["warning"]) == (5, None)


def test_a_film_that_breaks_off_keeps_its_frames(client, make_film, tmp_path):
    path = make_film(tmp_path / "cut.mkv", options={"cluster_time_limit": "300"})
    cut = path.read_bytes()[:-1500]
    answer = client.post(URL, files={"file": ("cut.mkv", cut)})
    view = finished(client, answer.headers["location"])
    assert "cut.mkv" in view["warning"]
    assert json.loads(client.get(view["results"]["json"]).text)["items"][0]["error"]


def test_too_many_films_and_those_left_behind(serving, make_film, tmp_path):
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    with serving(max_jobs=1, keep_s=0.001) as client:
        where = client.post(URL, content=film).headers["location"]
        assert client.post(URL, content=film).status_code == 429
        finished(client, where)

        def forgotten():
            client.portal.call(client.app.state.engine.jobs.sweep)
            return client.get(where).status_code == 404

        until(forgotten)
