import signal

import pytest

from mien.apps.cli.signals import ENDINGS, handled_once, leave


@pytest.fixture
def restored():
    """The handlers of the process, as they were before the test."""
    before = {number: signal.getsignal(number) for number in (*ENDINGS, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_acted_on_and_the_second_is_as_before(restored):
    seen = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append("before"))
    with handled_once((signal.SIGUSR1,), seen.append):
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
    with handled_once((signal.SIGUSR1,), seen.append):
        pass
    signal.raise_signal(signal.SIGUSR1)
    assert seen == [signal.SIGUSR1, "before", "before"]


def test_what_nohup_has_ignored_stays_ignored(restored):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handled_once(ENDINGS, leave):
        signal.raise_signal(signal.SIGHUP)


@pytest.mark.parametrize(
    ("first", "error", "code"),
    [(signal.SIGTERM, SystemExit, 143), (signal.SIGINT, KeyboardInterrupt, None)],
)
def test_a_second_signal_does_not_hurry_the_first(restored, first, error, code):
    # Whoever started the test run may have had it ignore some, as nohup and `&` do.
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)

    def unwound():
        with handled_once(ENDINGS, leave):
            try:
                signal.raise_signal(first)
            finally:
                for number in ENDINGS:
                    signal.raise_signal(number)

    with pytest.raises(error) as ended:
        unwound()
    assert getattr(ended.value, "code", None) == code
