import csv
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from mien.core.errors import InputError
from mien.core.media import Media, MediaKind
from mien.report.codings import EVENT_COLUMNS, check_coding, open_events

MEDIA = Media("films/film.mp4", MediaKind.VIDEO, 640, 480)
RISE = [0.1, 0.1, 0.3, 0.6, 0.9, 0.7, 0.3, 0.1, 0.1]


def write(path, *sources):
    with open_events(path) as writer:
        for media, some in sources:
            writer.begin(media)
            for frame in some:
                writer.write(frame)
            writer.end()


def test_csv(smiling, tmp_path):
    target = tmp_path / "events.csv"
    write(target, (MEDIA, smiling(RISE)), (MEDIA, smiling([0.9] * 3)))
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


@pytest.mark.parametrize("name", ["a\rb.mp4", "a\r\nb.mp4"])
def test_csv_of_a_film_whose_name_has_several_lines(smiling, tmp_path, name):
    target = tmp_path / "events.csv"
    write(target, (Media(name, MediaKind.VIDEO, 640, 480), smiling(RISE)))
    with target.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream, strict=True)
    assert (row["source"], row["peak"]) == (name, "0.9")


def test_elan(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, smiling([*RISE, *RISE])))
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


def test_time_slots_of_all_tiers_stand_in_the_order_of_time(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    both = [
        replace(one, readings=(*one.readings, *other.readings))
        for one, other in zip(
            smiling([*RISE, *RISE]), smiling([*RISE, *RISE], track_id=2), strict=True
        )
    ]
    write(target, (MEDIA, both))
    root = ET.parse(target).getroot()
    assert len(root.findall("TIER")) == 2
    values = [int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")]
    assert values == [200, 200, 700, 700, 1100, 1100, 1600, 1600]


def test_elan_of_a_film_from_elsewhere_names_no_folder(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    with open_events(target, located=False) as writer:
        writer.begin(Media("a film.mp4", MediaKind.VIDEO, 640, 480))
        for frame in smiling(RISE):
            writer.write(frame)
        writer.end()
    media = ET.parse(target).find("HEADER/MEDIA_DESCRIPTOR")
    assert media.get("MEDIA_URL") == "a%20film.mp4"


def test_an_annotation_lasts_at_least_a_millisecond(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, smiling([0.9])))
    values = [int(slot.get("TIME_VALUE")) for slot in ET.parse(target).iter("TIME_SLOT")]
    assert values == [0, 1]


def test_annotations_of_a_tier_never_overlap(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (MEDIA, [*smiling([0.9] * 5), *smiling([0.9] * 5)]))
    times = [int(slot.get("TIME_VALUE")) for slot in ET.parse(target).iter("TIME_SLOT")]
    assert times == [0, 400, 400, 401]


def test_elan_of_a_film_with_control_characters_in_its_name(smiling, tmp_path):
    target = tmp_path / "events.eaf"
    write(target, (Media("a\x1b b.mp4", MediaKind.VIDEO, 640, 480), smiling(RISE)))
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
