import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien.core.media import Media, MediaKind
from mien.core.types import FrameReading, Scores
from mien.report.codings import EVENT_COLUMNS, check_coding, open_events
from mien.report.events import Event, EventFinder, ordered

MEDIA = Media("films/film.mp4", MediaKind.VIDEO, 640, 480)
RISE = [0.1, 0.1, 0.3, 0.6, 0.9, 0.7, 0.3, 0.1, 0.1]


@pytest.fixture
def frames(make_reading):
    """Frames at 10 per second with happiness of the given probabilities on one face."""

    def make(probabilities, track_id=1, start=0.0):
        return [
            FrameReading(
                index,
                start + index / 10,
                () if value is None else (make_reading(probability=value, track_id=track_id),),
            )
            for index, value in enumerate(probabilities)
        ]

    return make


def events_of(frames):
    finder = EventFinder()
    return [event for frame in frames for event in finder.add(frame)] + finder.finish()


def test_onset_apex_offset(frames):
    (event,) = events_of(frames(RISE))
    assert event.expression is Emotion.HAPPINESS
    assert event.track_id == 1
    assert event.onset_s == pytest.approx(0.2)
    assert event.apex_s == pytest.approx(0.4)
    assert event.offset_s == pytest.approx(0.7)
    assert event.duration_s == pytest.approx(0.5)
    assert event.peak == pytest.approx(0.9)


def test_what_never_shows_clearly_is_no_event(frames):
    assert events_of(frames([0.1, 0.3, 0.45, 0.3, 0.1])) == []


def test_a_dip_does_not_divide_an_event(frames):
    assert len(events_of(frames([0.1, 0.8, 0.3, 0.8, 0.1]))) == 1
    assert len(events_of(frames([0.1, 0.8, 0.2, 0.8, 0.1]))) == 2


def test_the_end_of_the_film_ends_events(frames):
    (event,) = events_of(frames([0.1, 0.9, 0.9]))
    assert (event.onset_s, event.offset_s) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_face_that_goes_ends_its_events(frames):
    (event,) = events_of(frames([0.9, 0.9] + [None] * 10))
    assert event.offset_s == pytest.approx(0.1)
    # A moment out of sight does not.
    assert len(events_of(frames([0.9, 0.9, None, None, 0.9, 0.9]))) == 1


@pytest.mark.parametrize("step", [0.1, 1.0, 2.5])
def test_slow_films_have_whole_events(make_reading, step):
    shown = [0.1, 0.6, 0.8, 0.9, 0.7, 0.1]
    series = [
        FrameReading(index, index * step, (make_reading(probability=value, track_id=1),))
        for index, value in enumerate(shown)
    ]
    (event,) = events_of(series)
    assert (event.onset_s, event.apex_s, event.offset_s) == pytest.approx(
        (step, 3 * step, 5 * step)
    )
    # Out of sight for two frames, it has ended.
    away = [FrameReading(9, 9 * step, ()), FrameReading(12, 12 * step, series[1].readings)]
    if step >= 1:
        assert len(events_of([*series[:4], *away])) == 2


def test_one_short_step_does_not_divide_the_events_of_a_slow_film(make_reading):
    times = [0, 0.02, 1, 2, 3, 4]
    reading = make_reading(probability=0.9, track_id=1)
    series = [FrameReading(index, time_s, (reading,)) for index, time_s in enumerate(times)]
    (event,) = events_of(series)
    assert (event.onset_s, event.offset_s) == (0, 4)


def test_tracks_have_events_of_their_own(frames):
    both = [
        FrameReading(one.index, one.time_s, one.readings + two.readings)
        for one, two in zip(frames(RISE), frames(RISE[::-1], track_id=2), strict=True)
    ]
    assert sorted(event.track_id for event in events_of(both)) == [1, 2]


def test_neutral_is_what_lies_between(make_reading):
    readings = (make_reading(top=Emotion.NEUTRAL, probability=0.95, track_id=1),)
    assert events_of([FrameReading(0, 0.0, readings)]) == []


def test_pictures_have_no_events(frames):
    assert events_of(frames(RISE, track_id=None)) == []


@pytest.mark.parametrize("times", [[0, 0, 0, 0], [3, 2, 1, 0], [0, 1e9, 5, 6]])
def test_times_may_repeat_or_run_back(frames, times):
    disordered = [
        FrameReading(frame.index, time_s, frame.readings)
        for frame, time_s in zip(frames([0.9] * 4), times, strict=True)
    ]
    assert all(event.duration_s >= 0 for event in events_of(disordered))


def test_the_pages_find_the_same_events(make_reading):
    shared = json.loads((Path(__file__).parents[2] / "web/tests/events.json").read_text())
    frames = [
        FrameReading(
            index,
            frame["time_s"],
            tuple(
                replace(
                    make_reading(track_id=face["track_id"]), scores=Scores(tuple(face["emotions"]))
                )
                for face in frame["faces"]
            ),
        )
        for index, frame in enumerate(shared["frames"])
    ]
    assert [event.to_dict() for event in ordered(events_of(frames))] == shared["events"]
    assert len(shared["events"]) > 5


def test_a_duration_is_that_between_the_times_written():
    row = Event(1, Emotion.FEAR, 0.0334, 0.05, 0.1006, 0.9).to_dict()
    assert (row["onset_s"], row["offset_s"], row["duration_s"]) == (0.033, 0.101, 0.068)


def write(path, *sources):
    with open_events(path) as writer:
        for media, some in sources:
            writer.begin(media)
            for frame in some:
                writer.write(frame)
            writer.end()


def test_csv(frames, tmp_path):
    target = tmp_path / "events.csv"
    write(target, (MEDIA, frames(RISE)), (MEDIA, frames([0.9] * 3)))
    rows = list(csv.DictReader(target.open()))
    assert tuple(rows[0]) == EVENT_COLUMNS
    assert rows[0] == {
        "source": "films/film.mp4",
        "track_id": "1",
        "expression": "happiness",
        "onset_s": "0.2",
        "apex_s": "0.4",
        "offset_s": "0.7",
        "duration_s": "0.5",
        "peak": "0.9",
    }
    assert len(rows) == 2


def test_elan(frames, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, frames([*RISE, *RISE])))
    root = ET.parse(target).getroot()
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert root.find("HEADER").get("TIME_UNITS") == "milliseconds"
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("MEDIA_URL").startswith("file:///")
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    (tier,) = root.findall("TIER")
    assert tier.get("TIER_ID") == "face 1 happiness"
    types = [kind.get("LINGUISTIC_TYPE_ID") for kind in root.findall("LINGUISTIC_TYPE")]
    assert tier.get("LINGUISTIC_TYPE_REF") in types
    spans = [
        (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")])
        for a in tier.iter("ALIGNABLE_ANNOTATION")
    ]
    assert spans == [(200, 700), (1100, 1600)]
    assert tier.find("ANNOTATION/ALIGNABLE_ANNOTATION/ANNOTATION_VALUE").text.startswith(
        "happiness 0.90"
    )
    names = [a.get("ANNOTATION_ID") for a in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(names)) == len(names)


def test_time_slots_of_all_tiers_stand_in_the_order_of_time(frames, tmp_path):
    target = tmp_path / "events.eaf"
    both = [
        replace(one, readings=(*one.readings, *other.readings))
        for one, other in zip(
            frames([*RISE, *RISE]), frames([*RISE, *RISE], track_id=2), strict=True
        )
    ]
    write(target, (MEDIA, both))
    root = ET.parse(target).getroot()
    assert len(root.findall("TIER")) == 2
    values = [int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")]
    assert values == [200, 200, 700, 700, 1100, 1100, 1600, 1600]


def test_elan_of_a_film_from_elsewhere_names_no_folder(frames, tmp_path):
    target = tmp_path / "events.eaf"
    with open_events(target, located=False) as writer:
        writer.begin(Media("a film.mp4", MediaKind.VIDEO, 640, 480))
        for frame in frames(RISE):
            writer.write(frame)
        writer.end()
    media = ET.parse(target).find("HEADER/MEDIA_DESCRIPTOR")
    assert media.get("MEDIA_URL") == "a%20film.mp4"


def test_an_annotation_lasts_at_least_a_millisecond(frames, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, frames([0.9])))
    values = [int(slot.get("TIME_VALUE")) for slot in ET.parse(target).iter("TIME_SLOT")]
    assert values == [0, 1]


def test_annotations_of_a_tier_never_overlap(frames, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, [*frames([0.9] * 5), *frames([0.9] * 5)]))
    times = [int(slot.get("TIME_VALUE")) for slot in ET.parse(target).iter("TIME_SLOT")]
    assert times == [0, 400, 400, 401]


def test_elan_of_a_film_with_control_characters_in_its_name(frames, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (Media("a\x1b b.mp4", MediaKind.VIDEO, 640, 480), frames(RISE)))
    media = ET.parse(target).find("HEADER/MEDIA_DESCRIPTOR")
    assert media.get("RELATIVE_MEDIA_URL") == "a%1B b.mp4"


def test_no_events_are_a_valid_file(tmp_path):
    for name in ("none.csv", "none.eaf"):
        write(tmp_path / name, (MEDIA, []))
    assert (tmp_path / "none.csv").read_text() == ",".join(EVENT_COLUMNS) + "\n"
    assert ET.parse(tmp_path / "none.eaf").getroot().find("TIER") is None


def test_other_forms_are_refused(tmp_path):
    with pytest.raises(InputError, match="must end in one of"):
        check_coding(tmp_path / "events.xlsx", 1)
    with pytest.raises(InputError, match="belongs to one film"):
        check_coding(tmp_path / "events.eaf", 2)
    check_coding(tmp_path / "events.csv", 9)
