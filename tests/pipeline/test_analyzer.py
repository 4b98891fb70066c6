import gc
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import av
import jsonschema
import numpy as np
import PIL.Image
import pytest

import mien
from mien.core.errors import (
    ArtifactError,
    InputError,
    MediaError,
    TooLargeError,
    TruncatedError,
)
from mien.core.labels import EMOTIONS
from mien.core.media import MediaKind
from mien.core.types import Doubt
from mien.pipeline.analyzer import Analysis, Analyzer
from mien.pipeline.build import Config
from mien.pipeline.sequence import SequenceReader
from mien.report.schema import SCHEMA, document_schema
from mien.report.tables import COLUMNS
from mien.runtime.artifact import weights_folder
from mien.vision.media import open_media
from mien.vision.stream import MediaStream


def is_one_sentence(error: BaseException) -> bool:
    text = str(error)
    return len(text) > 20 and "\n" not in text and not text.endswith(".")


def wall(height=120, width=160):
    return np.full((height, width, 3), 180, np.uint8)


def film_of(images, path, rate=10):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "g": "5"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def film(portrait, tmp_path_factory):
    """Twelve frames; the face is in all but the middle four."""
    images = [wall(*portrait.shape[:2]) if 4 <= i < 8 else portrait for i in range(12)]
    return film_of(images, tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="module")
def broken_film(portrait, tmp_path_factory):
    """A Matroska film of 40 frames with the last third cut off."""
    path = film_of([portrait] * 40, tmp_path_factory.mktemp("broken") / "broken.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    return path


# Pictures


def test_the_astronaut_is_one_face(analyzer, astronaut):
    (reading,) = analyzer.analyze(astronaut).faces
    box, points = reading.face.box, reading.face.landmarks
    assert 160 < box.x < 200
    assert 40 < box.y < 90
    assert 70 < box.width < 120
    assert 90 < box.height < 140
    assert 0.5 < reading.face.score <= 1
    # Right and left are her own: her right eye is to the left in the picture.
    assert points.right_eye[0] + 20 < points.left_eye[0]
    assert points.right_mouth[0] + 20 < points.left_mouth[0]
    assert max(points.right_eye[1], points.left_eye[1]) < points.nose[1]
    assert points.nose[1] < min(points.right_mouth[1], points.left_mouth[1])
    for x, y in points.as_array():
        assert box.x < x < box.x + box.width
        assert box.y < y < box.y + box.height
    assert sum(reading.scores.probabilities) == pytest.approx(1, abs=1e-3)
    assert reading.prediction_set[0] is reading.top
    assert reading.doubt is None or reading.uncertain
    assert reading.quality is not None


def test_a_picture_read_by_path_bytes_pillow_and_array(analyzer, portrait, portrait_file):
    image = PIL.Image.open(portrait_file).convert("RGB")
    rgba = np.asarray(image.convert("RGBA"))
    sources = [portrait_file, str(portrait_file), portrait_file.read_bytes(), image, rgba]
    results = [analyzer.analyze(source) for source in [*sources, np.asarray(image)]]
    assert results[0].media.source == str(portrait_file)
    assert {result.media.kind for result in results} == {MediaKind.IMAGE}
    assert len(results[0].faces) == 1
    assert len({result.faces for result in results}) == 1


def test_a_grey_picture(analyzer, portrait):
    grey = np.asarray(PIL.Image.fromarray(portrait).convert("L"))
    (in_grey,), (in_colour,) = analyzer.read(grey), analyzer.read(portrait)
    assert in_grey.face.box.x == pytest.approx(in_colour.face.box.x, abs=1)
    assert in_grey.scores.probabilities == pytest.approx(in_colour.scores.probabilities, abs=0.05)


def test_a_mirrored_picture_swaps_right_and_left(analyzer, portrait):
    (one,), (other,) = analyzer.read(portrait), analyzer.read(portrait[:, ::-1])
    width = portrait.shape[1] - 1
    assert other.face.landmarks.right_eye[0] == pytest.approx(
        width - one.face.landmarks.left_eye[0], abs=3
    )


def test_the_largest_face_comes_first(analyzer, portrait):
    small = np.asarray(PIL.Image.fromarray(portrait).resize((160, 144)))
    canvas = np.full((320, 560, 3), 200, np.uint8)
    canvas[20:164, 10:170], canvas[20:308, 220:540] = small, portrait
    faces = analyzer.read(canvas)
    areas = [reading.face.box.area for reading in faces]
    assert len(faces) == 2
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("shape", [(1, 1, 3), (20, 30), (240, 320, 3), (1, 2000, 3), (2000, 1)])
def test_a_picture_without_a_face_is_a_result(analyzer, shape, value):
    analysis = analyzer.analyze(np.full(shape, value, np.uint8))
    assert analysis.faces == ()
    assert [frame.readings for frame in analysis] == [()]
    assert analysis.to_dict()["frames"] == [{"index": 0, "time_s": 0.0, "faces": []}]
    assert analysis.to_dicts() == []


def test_noise_has_no_face(analyzer):
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert analyzer.read(image) == ()


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((10, 10, 3)), "uint8"),
        (np.full((10, 10, 3), np.nan, np.float32), "NaN"),
        (np.zeros((10, 10, 3), np.uint16), "uint8"),
        (np.zeros((10, 10), bool), "uint8"),
        (np.zeros((10, 10, 2), np.uint8), "shape"),
        (np.zeros((10, 10, 5), np.uint8), "shape"),
        (np.zeros(10, np.uint8), "shape"),
        (np.zeros((1, 10, 10, 3), np.uint8), "one by one"),
        (np.zeros((0, 10, 3), np.uint8), "pixels"),
        (np.array([["a"]], object), "uint8"),
    ],
)
def test_other_arrays_are_refused(analyzer, array, word):
    for call in (analyzer.analyze, analyzer.read):
        with pytest.raises(InputError, match=word) as caught:
            call(array)
        assert is_one_sentence(caught.value)


@pytest.mark.parametrize("source", [None, 3, 1.5, [1, 2], {"a": 1}])
def test_other_sources_are_refused(analyzer, source):
    with pytest.raises(InputError, match="source must be"):
        analyzer.analyze(source)


def test_a_missing_file(analyzer, tmp_path):
    with pytest.raises(MediaError, match=r"none\.jpg does not exist"):
        analyzer.analyze(tmp_path / "none.jpg")


def test_a_picture_cut_off(analyzer, portrait_file):
    with pytest.raises(TruncatedError) as caught:
        analyzer.analyze(portrait_file.read_bytes()[:3000])
    assert is_one_sentence(caught.value)


def test_the_pixel_limit(portrait_file):
    with (
        Analyzer(max_pixels=10_000) as analyzer,
        pytest.raises(TooLargeError, match="max_pixels"),
    ):
        analyzer.analyze(portrait_file)


def test_the_edge_of_the_picture_may_cut_a_face(analyzer, portrait):
    for part in (portrait[:, 110:], portrait[:, :175], portrait[90:], portrait[:140]):
        for reading in analyzer.read(np.ascontiguousarray(part)):
            assert sum(reading.scores.probabilities) == pytest.approx(1, abs=1e-3)


def test_faces_with_the_network_s_own_words(analyzer, portrait):
    (face,) = faces = analyzer.parts.reader.find(portrait)
    words = analyzer.parts.reader.classifier.classify(
        analyzer.parts.reader.zoomed_crops(portrait, faces)
    )
    (reading,) = analyzer.read(portrait)
    assert face == reading.face
    assert words.probabilities[0].tolist() == pytest.approx(reading.scores.probabilities, abs=1e-5)
    assert words.activation.shape[:2] == (1, len(EMOTIONS))


# Films


def test_a_film(analyzer, film):
    with analyzer.analyze(film) as analysis:
        assert analysis.media.kind is MediaKind.VIDEO
        frames = list(analysis)
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(12)])
    assert [len(frame.readings) for frame in frames] == [1] * 4 + [0] * 4 + [1] * 4


def test_a_film_is_read_as_it_is_iterated_over(analyzer, film, monkeypatch):
    read, plain = [], SequenceReader._read

    def counted(self, located):
        read.append(located.frame.index)
        return plain(self, located)

    monkeypatch.setattr(SequenceReader, "_read", counted)
    analysis = analyzer.analyze(film)
    assert read == []
    frames = iter(analysis)
    assert next(frames).index == 0
    assert read == [0]
    next(frames)
    assert read == [0, 1]
    analysis.close()
    assert list(analysis) == []
    assert read == [0, 1]


def test_a_film_closed_while_another_thread_awaits_a_frame_ends_there(analyzer, film, monkeypatch):
    waiting, go_on, plain = threading.Event(), threading.Event(), SequenceReader._read
    closed_by = []

    def slowly(self, located):
        waiting.set()
        assert go_on.wait(20)
        return plain(self, located)

    def noted(stream):
        closed_by.append(threading.current_thread())
        close(stream)

    close = MediaStream.close
    monkeypatch.setattr(SequenceReader, "_read", slowly)
    monkeypatch.setattr(MediaStream, "close", noted)
    analysis = analyzer.analyze(film)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(list, analysis)
        assert waiting.wait(20)
        analysis.close()
        assert closed_by == []
        go_on.set()
        assert reading.result() == []
    assert closed_by
    assert threading.current_thread() not in closed_by


def test_faces_of_films_have_track_ids_and_those_of_pictures_none(analyzer, film, portrait):
    assert analyzer.read(portrait)[0].track_id is None
    ids = [reading.track_id for frame in analyzer.analyze(film) for reading in frame.readings]
    assert ids == [1] * 8


def test_a_film_is_read_the_same_again(analyzer, film):
    assert list(analyzer.analyze(film)) == list(analyzer.analyze(film))


def test_open_streams_are_read_with_their_frames(analyzer, film):
    with open_media(film) as stream:
        pairs = list(analyzer.read_stream(stream))
    assert [frame.index for frame, _ in pairs] == [reading.index for _, reading in pairs]
    assert [reading for _, reading in pairs] == list(analyzer.analyze(film))


def test_a_film_has_no_faces_of_its_own(analyzer, film):
    with analyzer.analyze(film) as analysis, pytest.raises(InputError, match="iterate") as caught:
        _ = analysis.faces
    assert is_one_sentence(caught.value)


def test_a_film_that_is_refused_as_a_picture_is_closed(analyzer, film, monkeypatch):
    closed = []
    monkeypatch.setattr(Analysis, "close", lambda self: closed.append(self.media.source))
    with pytest.raises(InputError, match="iterate"):
        analyzer.read(film)
    assert closed == [str(film)]


def test_a_picture_may_be_iterated_over_again(analyzer, portrait):
    analysis = analyzer.analyze(portrait)
    assert list(analysis) == list(analysis)
    assert analysis.to_dict() == analysis.to_dict()


ALREADY_READ = r"has already been read; analyze it again$"


@pytest.mark.parametrize("again", [Analysis.to_dict, Analysis.to_dicts, list])
def test_a_film_is_iterated_once(analyzer, film, again):
    with analyzer.analyze(film) as analysis:
        assert len(list(analysis)) == 12
        with pytest.raises(InputError, match=f"film.mp4 {ALREADY_READ}") as caught:
            again(analysis)
    assert is_one_sentence(caught.value)
    with pytest.raises(InputError, match=ALREADY_READ):
        again(analysis)


@pytest.mark.parametrize("values", [Analysis.to_dict, Analysis.to_dicts])
def test_plain_values_of_a_film_are_read_once(analyzer, broken_film, values):
    analysis = analyzer.analyze(broken_film)
    assert values(analysis)
    with pytest.raises(InputError, match=ALREADY_READ):
        values(analysis)


def test_a_film_partly_iterated_gives_the_rest(analyzer, film):
    analysis = analyzer.analyze(film)
    next(iter(analysis))
    for frame in analysis:
        if frame.index == 2:
            break
    assert [frame["index"] for frame in analysis.to_dict()["frames"]] == list(range(3, 12))


def test_a_film_closed_before_its_end_has_no_more_frames(analyzer, film):
    with analyzer.analyze(film) as analysis:
        next(iter(analysis))
    assert list(analysis) == list(analysis) == []


@pytest.mark.parametrize("every", [1, 2, np.int64(5), 100])
def test_every(analyzer, film, every):
    frames = list(analyzer.analyze(film, every=every))
    assert [frame.index for frame in frames] == list(range(0, 12, every))


@pytest.mark.parametrize("every", [0, -1, "2", None, 1.5, float("nan"), True])
def test_every_must_be_a_positive_integer(analyzer, film, every):
    with pytest.raises(InputError, match=f"every must be an integer of 1 or more, not {every!r}"):
        analyzer.analyze(film, every=every)


def test_a_broken_film_gives_its_frames_before_its_error(analyzer, broken_film):
    analysis = analyzer.analyze(broken_film)
    frames = []
    with pytest.raises(TruncatedError) as caught:
        frames.extend(analysis)  # extend keeps what came before the error
    assert is_one_sentence(caught.value)
    assert str(broken_film) in str(caught.value)
    assert 10 < len(frames) < 40
    assert all(frame.readings for frame in frames)


def test_a_broken_film_as_plain_values_keeps_its_frames(analyzer, broken_film, caplog):
    item = analyzer.analyze(broken_film).to_dict()
    assert 10 < len(item["frames"]) < 40
    assert str(broken_film) in item["error"]
    assert len(analyzer.analyze(broken_film).to_dicts()) >= len(item["frames"])
    assert str(broken_film) in caplog.text


def test_a_film_that_grows_beyond_the_limit_as_plain_values_keeps_its_frames(growing_film):
    with Analyzer(max_pixels=5000) as analyzer:
        item = analyzer.analyze(growing_film, every=50).to_dict()
        assert item["frames"]
        assert "320x240" in item["error"]
        assert analyzer.analyze(growing_film, every=50).to_dicts() == []


@pytest.mark.parametrize("values", [Analysis.to_dict, Analysis.to_dicts])
def test_what_breaks_off_within_its_first_frame_is_no_item(analyzer, values):
    noise = np.random.default_rng(0).integers(0, 256, (4, 99, 99, 3), np.uint8)
    first, *rest = map(PIL.Image.fromarray, noise)
    file = io.BytesIO()
    first.save(file, "PNG", save_all=True, append_images=rest)
    analysis = analyzer.analyze(file.getvalue()[:5000])
    with pytest.raises(TruncatedError):
        values(analysis)


def test_a_film_that_is_left_early_leaves_nothing_behind(analyzer, film):
    gc.collect()
    gc.disable()
    try:
        before = threading.active_count()
        for _ in analyzer.analyze(film):
            break
        assert threading.active_count() == before
        assert not [one for one in gc.get_objects() if isinstance(one, Analysis)]
    finally:
        gc.enable()


def test_a_film_that_another_thread_closes_ends_quietly(analyzer, film):
    analysis = analyzer.analyze(film)
    frames = []
    for frame in analysis:
        frames.append(frame)
        if len(frames) == 2:
            closing = threading.Thread(target=analysis.close)
            closing.start()
    closing.join()
    assert len(frames) < 12


def test_an_animation(analyzer, portrait, tmp_path):
    first, second = (PIL.Image.fromarray(image) for image in (portrait, wall(*portrait.shape[:2])))
    path = tmp_path / "moving.webp"
    first.save(path, save_all=True, append_images=[second], duration=[200, 100], quality=90)
    analysis = analyzer.analyze(path)
    assert analysis.media.kind is MediaKind.ANIMATION
    frames = list(analysis)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.2])
    assert [len(frame.readings) for frame in frames] == [1, 0]


# The analyzer


def test_one_analyzer_for_eight_threads(analyzer, portrait):
    images = [np.roll(portrait, shift, axis=1) for shift in range(0, 40, 10)] * 4
    alone = [analyzer.read(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(analyzer.read, images))
    assert together == alone
    assert all(alone)


def test_a_reused_analyzer_keeps_nothing(analyzer, portrait):
    before = analyzer.read(portrait)
    analyzer.read(wall())
    analyzer.read(portrait[:, ::-1])
    assert analyzer.read(portrait) == before


def test_a_closed_analyzer(portrait):
    with Analyzer(threads=1) as analyzer:
        assert len(analyzer.read(portrait)) == 1
    for call in (analyzer.analyze, analyzer.read, lambda _: analyzer.parts):
        with pytest.raises(InputError, match="closed") as caught:
            call(portrait)
        assert is_one_sentence(caught.value)
    analyzer.close()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"colour": "red"}, "unknown option 'colour'"),
        ({"precision": "bf16"}, "precision must be fp32 or int8"),
        ({"precision": 8}, "precision cannot be 8"),
        ({"threads": 0}, "threads must be 1 to 1024, not 0"),
        ({"threads": 1025}, "threads must be 1 to 1024, not 1025"),
        ({"threads": 10**11}, "threads must be 1 to 1024"),
        ({"threads": "2"}, "threads cannot be '2'"),
        ({"threads": 1.5}, "threads cannot be 1.5"),
        ({"threads": True}, "threads cannot be True"),
        ({"threshold": 0.0}, "threshold must lie between 0 and 1"),
        ({"threshold": 1.0}, "threshold must lie between 0 and 1"),
        ({"threshold": float("nan")}, "threshold must lie between 0 and 1"),
        ({"threshold": "high"}, "threshold cannot be 'high'"),
        ({"min_face": -1}, "min_face must be 0 or more"),
        ({"min_face": float("nan")}, "min_face must be 0 or more"),
        ({"min_face": None}, "min_face cannot be None"),
        ({"max_pixels": 0}, "max_pixels must be 1 or more"),
        ({"max_pixels": 1e6}, "max_pixels cannot be"),
        ({"weights": 3}, "weights cannot be 3"),
        ({"search_size": 10}, "search_size must be 64 or more"),
        ({"search_size": True}, "search_size cannot be True"),
        ({"detect_every": 0}, "detect_every must be 1 or more"),
        ({"smooth": 1}, "smooth cannot be 1"),
    ],
)
def test_options_that_make_no_sense(options, word):
    for make in (Analyzer, lambda **options: mien.analyze(wall(), **options)):
        with pytest.raises(InputError, match=word) as caught:
            make(**options)
        assert is_one_sentence(caught.value)


@pytest.mark.parametrize("config", ["int8", {"threads": 1}, 1])
def test_what_is_no_configuration(config):
    with pytest.raises(
        InputError, match=r"must be a mien\.Config, not (str|dict|int); name single"
    ):
        Analyzer(config)


def test_an_unknown_option_names_the_known():
    with pytest.raises(InputError, match="min_face"):
        Analyzer(minface=3)


def test_options_on_top_of_a_configuration():
    config = Config(threads=1, min_face=30)
    analyzer = Analyzer(config, min_face=50, threshold=np.float32(0.5))
    assert analyzer.config == replace(config, min_face=50, threshold=np.float32(0.5))


def test_min_face(portrait):
    (reading,) = mien.analyze(portrait, threads=1).faces
    size = reading.face.box.shorter_side
    assert len(mien.analyze(portrait, threads=1, min_face=size - 1).faces) == 1
    assert mien.analyze(portrait, threads=1, min_face=size + 1).faces == ()


def test_threshold(portrait):
    (reading,) = mien.analyze(portrait, threads=1).faces
    assert reading.face.score < 0.999
    assert mien.analyze(portrait, threads=1, threshold=0.999).faces == ()


def test_precisions_agree(portrait):
    one, other = (
        mien.analyze(portrait, threads=1, precision=precision).faces[0]
        for precision in ("fp32", "int8")
    )
    assert one.face == other.face
    assert one.top is other.top


@pytest.mark.parametrize("as_type", [str, lambda path: path])
def test_weights_of_another_folder(portrait, analyzer, as_type):
    with Analyzer(threads=1, weights=as_type(weights_folder())) as other:
        assert other.read(portrait) == analyzer.read(portrait)


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(ArtifactError, match="no fp32 weights named 'detector'"):
        Analyzer(weights=tmp_path)


# Results


def document(*analyses):
    return {"schema": SCHEMA, "model": {}, "items": [analysis.to_dict() for analysis in analyses]}


def test_dicts_are_as_the_schema_says(analyzer, portrait, film):
    found = document(analyzer.analyze(portrait), analyzer.analyze(film), analyzer.analyze(wall()))
    jsonschema.Draft202012Validator(document_schema()).validate(found)
    assert json.loads(json.dumps(found)) == found
    face = found["items"][0]["frames"][0]["faces"][0]
    assert list(face["emotions"]) == [emotion.value for emotion in EMOTIONS]


def test_rows_become_a_table(analyzer, portrait, film):
    rows = analyzer.analyze(film).to_dicts()
    assert len(rows) == 8
    table = mien.to_table(rows + analyzer.analyze(portrait).to_dicts())
    assert table.column_names == list(COLUMNS)
    assert table["frame"].to_pylist() == [0, 1, 2, 3, 8, 9, 10, 11, 0]
    empty = mien.to_table(analyzer.analyze(wall()).to_dicts())
    assert empty.schema == table.schema
    assert empty.num_rows == 0


def test_a_covered_face_is_read_with_the_doubt_that_it_is(portrait):
    with Analyzer() as analyzer:
        (bare,) = analyzer.analyze(portrait).faces
        mouth = bare.face.landmarks.as_array()[3:].mean(axis=0)
        reach = bare.quality.eye_distance
        masked = portrait.copy()
        rows = slice(round(float(mouth[1] - 0.75 * reach)), round(float(mouth[1] + 0.9 * reach)))
        columns = slice(round(float(mouth[0] - 1.1 * reach)), round(float(mouth[0] + 1.1 * reach)))
        masked[rows, columns] = 215
        (covered,) = analyzer.analyze(masked).faces
    assert bare.doubt is not Doubt.OCCLUDED
    assert covered.doubt is Doubt.OCCLUDED
    assert covered.uncertain
