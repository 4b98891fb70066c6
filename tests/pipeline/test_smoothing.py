import numpy as np

from mien.core.types import Quality
from mien.models.temporal import CONTEXT_SIZE
from mien.pipeline.smoothing import FORGET_S, TrackSmoother

QUALITY = Quality(60.0, 0.4, 120.0, 40.0, 0.1, None)


class Summing:
    """A network whose probabilities are what it has seen of a track so far."""

    def __init__(self):
        self.contexts = []

    def start(self, count=1):
        return np.zeros((count, 2), np.float32)

    def step(self, embeddings, contexts, states):
        assert contexts.shape == (len(embeddings), CONTEXT_SIZE)
        self.contexts.append(contexts)
        states = states + embeddings
        return np.repeat(states.sum(axis=1, keepdims=True), 8, axis=1), states


def embeddings(*values):
    return np.array([[value, 0] for value in values], np.float32)


def test_each_track_has_a_state_of_its_own():
    smoother = TrackSmoother(Summing())
    smoother.smooth([1, 2], embeddings(1, 10), [QUALITY] * 2, 0.0)
    found = smoother.smooth([2, 1], embeddings(20, 2), [QUALITY] * 2, 0.04)
    assert found[:, 0].tolist() == [30, 3]


def test_a_hidden_track_goes_on_where_it_was():
    net = Summing()
    smoother = TrackSmoother(net)
    smoother.smooth([1], embeddings(1), [QUALITY], 0.0)
    assert smoother.smooth([], embeddings().reshape(0, 2), [], 0.04).shape == (0, 8)
    assert smoother.smooth([1], embeddings(1), [QUALITY], 0.5)[0, 0] == 2
    # The network is told how much time has passed.
    assert net.contexts[1][0, -1] > net.contexts[0][0, -1] - 3


def test_after_a_stall_a_track_starts_anew():
    net = Summing()
    smoother = TrackSmoother(net)
    smoother.smooth([1, 2], embeddings(1, 10), [QUALITY] * 2, 0.0)
    assert smoother.smooth([2], embeddings(10), [QUALITY], FORGET_S)[0, 0] == 20
    assert smoother.smooth([1], embeddings(5), [QUALITY], FORGET_S + 0.1)[0, 0] == 5
    # The network is told what it is told of a new track.
    assert net.contexts[-1].tolist() == net.contexts[0][:1].tolist()


def test_a_clock_that_leaps_back_costs_no_state():
    smoother = TrackSmoother(Summing())
    smoother.smooth([1], embeddings(1), [QUALITY], 3600.0)
    assert smoother.smooth([1], embeddings(1), [QUALITY], 0.0)[0, 0] == 2


def test_states_do_not_pile_up():
    smoother = TrackSmoother(Summing())
    for number in range(1000):
        smoother.smooth([number], embeddings(1), [QUALITY], number * 1.0)
    assert len(smoother._states) < 20
