import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from mien.core.errors import ArtifactError, InputError
from mien.runtime.artifact import weights_folder
from mien.runtime.session import PROVIDERS, open_session, runtime_version


def picture(seed=0, side=96):
    rng = np.random.default_rng(seed)
    return {"image": rng.integers(0, 256, (1, 1, side, side)).astype(np.float32)}


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_must_be_positive(threads):
    with pytest.raises(InputError, match=f"1 or more, not {threads}"):
        open_session("detector", threads=threads)


def test_unknown_precision():
    with pytest.raises(ArtifactError, match="no int4 weights named 'expression'"):
        open_session("expression", precision="int4")


def test_outputs_have_names():
    session = open_session("detector", threads=1)
    strides = session.card.extra["strides"]
    assert set(session.run(picture())) == {f"level{stride}" for stride in strides}


def test_too_little_memory_is_said_as_python_says_it():
    def run(*_):
        raise RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for 9 bytes")

    session = open_session("detector", threads=1)
    session._session = SimpleNamespace(run=run)
    with pytest.raises(MemoryError, match="9 bytes"):
        session.run(picture())


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_one_session_for_eight_threads(precision):
    session = open_session("expression", precision=precision, threads=1)
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 256, (1, 1, 48, 48)).astype(np.float32) for _ in range(24)]
    alone = [session.run({"crops": crops})["logits"] for crops in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda crops: session.run({"crops": crops})["logits"], inputs))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_the_number_of_threads_does_not_change_the_result():
    results = [open_session("detector", threads=n).run(picture()) for n in (1, 2, None)]
    for name, values in results[0].items():
        for other in results[1:]:
            np.testing.assert_allclose(other[name], values, rtol=1e-4, atol=1e-4)


def test_weights_that_are_no_network(tmp_path):
    shutil.copy(weights_folder() / "detector.json", tmp_path)
    data = b"these are not weights"
    (tmp_path / "detector.onnx").write_bytes(data)
    card = json.loads((tmp_path / "detector.json").read_text())
    card["sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "detector.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=r"cannot run detector\.onnx") as caught:
        open_session("detector", folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_what_networks_run_on():
    assert open_session("landmarks")._session.get_providers() == list(PROVIDERS)
    assert runtime_version()[0].isdigit()
