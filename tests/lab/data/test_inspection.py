"""Findings about a collection and what is dropped for them, on measurements made by hand."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cleanlab")

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien_lab.data import inspection
from mien_lab.data.card import CardText, dataset_card
from mien_lab.data.curation import DEFAULT_REASONS, curate
from mien_lab.data.findings import Reason
from mien_lab.data.inspection import copy_reason, held_out_first, inspect
from mien_lab.data.likeness import Evidence, Likeness
from mien_lab.data.measurements import Measurements
from mien_lab.data.samples import Sample

HASH = "perceptual hash, 2 of 64 bits differ"


def sample(name, split="train", label=Emotion.FEAR, **others):
    return Sample(name, label, split=split, **others)


def measured(samples, **changes):
    """As if all were different faces that the network reads as they are labelled."""
    count = len(samples)
    labels = [EMOTIONS.index(s.label or Emotion.NEUTRAL) for s in samples]
    table = Measurements(
        digests=tuple(map(str, range(count))),
        photographs=tuple(map(str, range(count))),
        blank=np.zeros(count, bool),
        faces=np.ones(count, bool),
        crops=np.zeros((count, 48, 48), np.uint8),
        hashes=np.zeros((count, 2, 64), np.float32),
        embeddings=np.zeros((count, 2, 4), np.float32),
        probabilities=(0.02 + 0.84 * np.eye(8)[labels]).astype(np.float32),
        failures={},
    )
    return replace(table, **changes)


def alone(samples):
    return Likeness(np.arange(len(samples)))


def told(inspection):
    return [(finding.name, finding.reason, finding.detail) for finding in inspection.findings]


def test_balance_and_classes_without_samples():
    samples = [sample(f"a{n}", label=EMOTIONS[n % 4]) for n in range(8)]
    samples += [sample("b", "test"), sample("c", "test", None), sample("d", label=EMOTIONS[0])]
    found = inspect(samples, measured(samples), alone(samples))
    assert found.samples == 11
    assert found.balance["train"]["neutral"] == 3
    assert found.balance["test"] == {e.value: int(e == "fear") for e in EMOTIONS} | {"no label": 1}
    assert "no label" not in found.balance["train"]
    assert found.empty_classes["train"] == ["anger", "disgust", "fear", "contempt"]
    assert "fear" not in found.empty_classes["test"]
    assert found.imbalance == 3
    assert told(found) == [("c", "no label", "none of the eight labels")]


def test_pictures_that_are_no_faces():
    samples = [sample("broken"), sample("blank"), sample("wall"), sample("crop", cropped=True)]
    table = measured(
        samples,
        blank=np.array([0, 1, 0, 0], bool),
        faces=np.zeros(4, bool),
        failures={0: "broken.jpg is empty"},
    )
    assert told(inspect(samples, table, alone(samples))) == [
        ("broken", "unreadable", "broken.jpg is empty"),
        ("blank", "blank", "all pixels are the same"),
        ("wall", "no face found", "the detector finds no face"),
        ("crop", "perhaps not a face", "the detector finds no face in the crop; look at it"),
    ]


def copied():
    """a and c the same, b nearly so in test, d a near copy of e in val, f alone."""
    samples = [
        sample("a"), sample("b", "test"), sample("c"), sample("d"), sample("e", "val"), sample("f"),
    ]  # fmt: skip
    return samples, near([0, 1, 0, 3, 4, 5], (0, 1), (3, 4))


def near(same, *pairs, evidence=(Evidence.HASH, Evidence.HASH), values=(2, 2)):
    return Likeness(np.array(same), np.array(pairs), np.array(evidence), np.array(values))


def test_copies_name_the_one_that_is_held_out():
    samples, likeness = copied()
    assert told(inspect(samples, measured(samples), likeness)) == [
        ("a", "copy across splits", f"of b in test: {HASH}"),
        ("c", "copy across splits", f"of b in test: {HASH}"),
        ("d", "copy across splits", f"of e in val: {HASH}"),
    ]


def test_frames_of_a_film_are_not_all_compared_with_each_other(monkeypatch):
    count = 60
    samples = [sample(f"{n:02}", "train" if n % 5 else "test") for n in range(count)]
    pairs = [(one, other) for one in range(count) for other in range(one + 1, count)]
    likeness = near(
        range(count), *pairs, evidence=[Evidence.HASH] * len(pairs), values=[2] * len(pairs)
    )
    compared = []
    monkeypatch.setattr(
        inspection, "copy_reason", lambda *some: compared.append(some) or copy_reason(*some)
    )
    found = told(inspect(samples, measured(samples), likeness))
    # Once to choose what is said, and once to say it.
    assert len(compared) == 2 * (count - 1)
    assert found[0] == ("01", "copy across splits", f"of 00 in test: {HASH}")
    assert ("05", "copy within a split", f"of 00 in test: {HASH}") in found
    assert len(found) == count - 1


def test_faces_alike_may_be_another_photograph_of_one_person():
    samples = [sample("a"), sample("b", "test"), sample("c", label=Emotion.ANGER), sample("d")]
    evidence = Evidence.DETAILS, Evidence.HASH
    likeness = near(range(4), (0, 1), (2, 3), evidence=evidence, values=(0.9, 2))
    labels = f"one is {samples[3].label}, the other anger"
    assert told(inspect(samples, measured(samples), likeness)) == [
        ("a", "perhaps a copy", "of b in test: the registered faces correlate by 0.90"),
        ("d", "perhaps a copy", f"of c in train: {HASH}; {labels}"),
    ]
    kept, drops = curated(samples, measured(samples), likeness)
    assert (kept, drops) == (["a", "b", "c", "d"], {})
    kept, _ = curated(
        samples, measured(samples), likeness, reasons={*DEFAULT_REASONS, Reason.ALIKE}
    )
    assert kept == ["b", "c"]


def test_order_of_what_is_held_out():
    splits = ["Training", "PublicTest", "PrivateTest", "", "FER2013Valid", "test", "train"]
    samples = [sample(str(n), split) for n, split in enumerate(splits)]
    assert [splits[row] for row in held_out_first(samples)] == [
        "PrivateTest", "test", "PublicTest", "FER2013Valid", "Training", "train", "",
    ]  # fmt: skip


def test_a_subject_in_two_splits():
    samples = [
        sample("a", subject="S1"), sample("b", "test", subject="S1"), sample("c", subject="S2"),
        sample("d", subject=""), sample("e", "test", subject=""),
    ]  # fmt: skip
    found = inspect(samples, measured(samples), alone(samples))
    assert told(found) == [("a", "subject in several splits", "S1 is in test and train")]
    assert (found.subjects, found.without_subject) == (2, 2)


def test_the_card_says_how_many_samples_lack_a_subject():
    def page(*subjects):
        samples = [sample(str(n), subject=subject) for n, subject in enumerate(subjects)]
        found = inspect(samples, measured(samples), alone(samples))
        return dataset_card(CardText("x"), found)

    some, all_, none = page("S1", "S1", ""), page("S1", "S2"), page("", "")
    assert "3 samples; 1 subjects are named; 1 samples are without one." in some
    assert "- 1 samples name no subject" in some
    assert "2 samples; 2 subjects are named; 0 samples are without one." in all_
    assert "name no subject" not in all_
    assert "2 samples; no subjects are named; 2 samples are without one." in none
    assert "- Subjects are not named" in none
    assert "name no subject" not in none


def test_label_errors_are_ranked_and_named():
    samples = [sample(str(n), label=EMOTIONS[n % 2]) for n in range(40)]
    table = measured(samples)
    table.probabilities[7] = 0.01
    table.probabilities[7, [0, 1]] = 0.85, 0.09
    table.probabilities[4] = 0.01
    table.probabilities[4, [0, 1]] = 0.02, 0.92
    # Rows without a crop are zero and are not judged.
    table.probabilities[9] = 0
    assert told(inspect(samples, table, alone(samples))) == [
        ("4", "likely label error", "neutral has probability 0.020, happiness 0.920"),
        ("7", "likely label error", "happiness has probability 0.090, neutral 0.850"),
    ]


def test_nothing_to_inspect():
    with pytest.raises(InputError, match="nothing to inspect"):
        inspect([], measured([]), alone([]))


def curated(samples, table, likeness, **options):
    found = inspect(samples, table, likeness)
    result = curate(samples, found.findings, likeness, **options)
    names = [s.name for s in result.kept]
    assert sorted([*names, *(drop.name for drop in result.drops)]) == sorted(
        s.name for s in samples
    )
    return names, {drop.name: (drop.reason, drop.detail) for drop in result.drops}


def test_of_copies_the_held_out_one_is_kept():
    samples, likeness = copied()
    kept, drops = curated(samples, measured(samples), likeness)
    assert kept == ["b", "e", "f"]
    assert drops["c"] == ("copy across splits", f"of b in test: {HASH}")


def test_a_copy_of_what_is_dropped_itself_is_kept():
    samples, likeness = copied()
    table = measured(samples, failures={1: "b cannot be read"})
    kept, drops = curated(samples, table, likeness)
    assert kept == ["a", "e", "f"]
    assert drops["c"] == ("copy within a split", "of a in train: the same pixels")
    assert drops["b"] == ("unreadable", "b cannot be read")


def test_dropping_from_one_split_leaves_the_others_whole():
    samples, likeness = copied()
    samples[2] = sample("c", "test")
    kept, drops = curated(samples, measured(samples), likeness, splits=["train"])
    assert kept == ["b", "c", "e", "f"]
    assert drops["a"] == ("copy across splits", "of c in test: the same pixels")
    kept, _ = curated(samples, measured(samples), likeness, splits=["test"])
    assert kept == ["a", "d", "e", "f"]


def test_reasons_that_are_chosen():
    samples, likeness = copied()
    samples[5] = sample("f", cropped=True, subject="S")
    table = measured(samples, faces=np.array([1, 1, 1, 1, 1, 0], bool))
    kept, drops = curated(
        samples, table, likeness, reasons={*DEFAULT_REASONS, Reason.DOUBTFUL_CROP} - {Reason.LEAK}
    )
    assert kept == ["a", "b", "d", "e"]
    assert drops["f"][0] == "perhaps not a face"
    assert drops["c"] == ("copy within a split", "of a in train: the same pixels")


def test_what_curation_refuses():
    samples, likeness = copied()
    with pytest.raises(InputError, match="no split 'dev'; choose one of: test, train, val"):
        curated(samples, measured(samples), likeness, splits=["dev"])
    with pytest.raises(InputError, match="no split 'train'; it has none; leave it out"):
        curate([sample("a", "")], [], alone([0]), splits=["train"])
    table = measured(samples, blank=np.ones(6, bool))
    with pytest.raises(InputError, match="nothing would be left"):
        curated(samples, table, likeness)
