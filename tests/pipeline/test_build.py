"""How parts are wired together: what is loaded, and what is shared."""

import numpy as np

from mien.pipeline import build as module
from mien.pipeline.build import LIVE_SIZE, Config, build_parts
from mien.vision.proposals import FaceProposer


def test_films_and_live_pictures_share_their_networks(monkeypatch):
    opened, searched = [], []
    real = module.open_session
    monkeypatch.setattr(
        module,
        "open_session",
        lambda name, **options: opened.append(name) or real(name, **options),
    )
    sizes = FaceProposer.__init__

    def noted(self, session, size):
        searched.append(size)
        sizes(self, session, size)

    monkeypatch.setattr(FaceProposer, "__init__", noted)
    parts = build_parts(Config(threads=1))
    assert sorted(opened) == ["detector", "expression", "landmarks", "refiner", "temporal"]
    assert searched == [1280, LIVE_SIZE]
    assert parts.live.classifier is parts.reader.classifier
    assert parts.live.detector is not parts.reader.detector
    assert parts.reader.coarse is parts.live.detector
    assert parts.live.coarse is None


def test_a_search_size_of_ones_own_is_that_of_every_search():
    parts = build_parts(Config(threads=1, search_size=320))
    assert (parts.reader.coarse, parts.live.coarse) == (None, None)


def test_a_search_size_of_ones_own_serves_live_pictures_too(astronaut):
    parts = build_parts(Config(threads=1, search_size=320))
    one, other = (reader.find(astronaut)[0] for reader in (parts.reader, parts.live))
    assert np.allclose(one.box.as_tuple(), other.box.as_tuple())
