import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.steps import annealed, mixed_precision, require_finite  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_bfloat16_is_used_where_the_processor_has_it(monkeypatch, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, name: True})
    with mixed_precision(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16


@pytest.mark.parametrize("able", [{}, {"avx2": True, "avx512_f": True, "avx512_bf16": False}])
def test_bfloat16_is_not_emulated(monkeypatch, able):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    with mixed_precision(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


def test_the_rate_warms_up_and_falls():
    rates = [annealed(0.1, step / 1000, step) for step in range(1001)]
    peak = int(np.argmax(rates))
    assert peak == 199
    assert rates[peak] == pytest.approx(0.1, rel=0.1)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] == pytest.approx(0.001)


def test_what_is_no_number_says_how_to_go_on():
    require_finite(1.0, 0, 0)
    with pytest.raises(FloatingPointError) as first:
        require_finite(float("nan"), 0, 2)
    assert str(first.value) == (
        "the loss became nan in epoch 1, step 3; begin again in another folder with a lower --rate"
    )
    with pytest.raises(FloatingPointError, match=r"inf in epoch 2, .* lower --rate; --start or"):
        require_finite(torch.tensor(float("inf")), 1, 0, "gradient")
