from types import SimpleNamespace

import pytest

from mien.apps.web import limits
from mien.apps.web.limits import RateLimit
from mien.apps.web.problems import ProblemError

ONE, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock(monkeypatch):
    """A fake of the module `time` that advances only on request."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(limits, "time", clock)
    return clock


@pytest.fixture
def limit(clock):
    return RateLimit(30, "uploads")


def granted(limit, address):
    """The number of simultaneous requests before one is refused."""
    for count in range(1000):
        try:
            limit.take(address)
        except ProblemError:
            return count
    raise AssertionError("nothing is refused")


def test_a_burst_is_what_a_minute_allows_however_long_nobody_came(limit, clock):
    assert granted(limit, ONE) == 30
    clock.now += 3600
    assert granted(limit, ONE) == 30


def test_what_was_used_comes_back_by_and_by(limit, clock):
    granted(limit, ONE)
    clock.now += 20
    assert granted(limit, ONE) == 10


def test_who_is_refused_is_told_when_to_come_again(limit, clock):
    granted(limit, ONE)
    with pytest.raises(ProblemError, match=r"too many uploads .*; try again in 2 s") as refused:
        limit.take(ONE)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    clock.now += 1
    with pytest.raises(ProblemError, match="again in 1 s"):
        limit.take(ONE)
    clock.now += 1
    limit.take(ONE)


def test_addresses_have_limits_of_their_own(limit):
    granted(limit, ONE)
    assert granted(limit, OTHER) == 30


def test_looking_costs_nothing_and_is_refused_like_asking(limit):
    for _ in range(100):
        limit.take(ONE, cost=0)
    assert granted(limit, ONE) == 30
    with pytest.raises(ProblemError):
        limit.take(ONE, cost=0)


def test_of_many_addresses_the_one_that_came_longest_ago_is_forgotten(limit, monkeypatch):
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 2)
    granted(limit, ONE)
    granted(limit, OTHER)
    assert granted(limit, ONE) == 0
    limit.take("192.0.2.3")
    assert granted(limit, ONE) == 0
    assert granted(limit, OTHER) == 30
