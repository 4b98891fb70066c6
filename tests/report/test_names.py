import pytest

from mien.report.names import short_names


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.jpg", "b/2.jpg"], ["a/1.jpg", "b/1.jpg", "2.jpg"]),
        (["1.jpg", "a/1.jpg", "b/a/1.jpg"], ["1.jpg", "a/1.jpg", "b/a/1.jpg"]),
        (["/x/a/1.jpg", "/y/a/1.jpg"], ["x/a/1.jpg", "y/a/1.jpg"]),
        (["a/1.jpg", "a/1.jpg"], ["1.jpg", "1.jpg"]),
        (["", "/", "1.jpg"], ["", "/", "1.jpg"]),
        ([], []),
    ],
)
def test_names_are_as_short_as_tells_them_apart(sources, names):
    found = short_names(sources)
    assert [found[source] for source in sources] == names
