import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from mien.pipeline.overlap import ahead


def test_all_items_in_order():
    assert list(ahead(range(100), 3)) == list(range(100))
    assert list(ahead([], 3)) == []


def test_nothing_starts_before_the_first_is_asked_for():
    asked = []

    def items():
        asked.append(True)
        yield 1

    made = ahead(items(), 2)
    time.sleep(0.05)
    assert not asked
    assert next(made) == 1


def test_no_more_than_the_depth_is_made_ahead():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    with closing(ahead(items(), 3)) as few:
        next(few)
        time.sleep(0.3)
        # One used, three waiting, one in the maker's hands.
        assert len(made) == 5


def test_an_error_comes_after_what_was_before_it():
    def items():
        yield 1
        yield 2
        raise OSError("torn")

    found = []
    with pytest.raises(OSError, match="torn"):
        found.extend(ahead(items(), 5))
    assert found == [1, 2]


def test_closing_ends_the_thread_and_the_source():
    ended = []

    def items():
        try:
            while True:
                yield 1
        finally:
            ended.append(threading.current_thread().name)

    before = threading.active_count()
    outer = ahead(ahead(items(), 2), 2)
    next(outer)
    outer.close()
    assert len(ended) == 1
    assert threading.active_count() == before


def test_work_overlaps():
    def slow():
        for number in range(10):
            time.sleep(0.02)
            yield number

    began = time.perf_counter()
    for _ in ahead(slow(), 4):
        time.sleep(0.02)
    assert time.perf_counter() - began < 0.36


LEFT = """
import time
from mien.pipeline.overlap import ahead

def items():
    try:
        while True:
            time.sleep(0.01)
            yield 1
    finally:
        print("closed")

made = ahead(ahead(items(), 2), 2)
print(next(made))
"""


def test_what_is_left_in_the_middle_is_closed_when_python_exits():
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\nclosed\n", "")
