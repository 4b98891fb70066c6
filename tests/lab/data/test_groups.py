import pytest

from mien.core.errors import InputError
from mien_lab.data.groups import crossed, read_groups

NAMES = ["a.png", "b.png", "c.png"]


@pytest.fixture
def write(tmp_path):
    def table(text):
        path = tmp_path / "groups.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return table


def test_groups_stand_in_the_order_of_the_names(write):
    path = write("Age,name,gender\nyoung,c.png,f\nold, a.png ,\nold,x.png,m\n")
    groups = read_groups(path, NAMES)
    assert groups.columns == {"age": ("old", "", "young"), "gender": ("", "", "f")}
    assert groups.unmatched == ("x.png",)


def test_a_column_without_a_name_is_no_group(write):
    groups = read_groups(write(",name,gender\n0,a.png,f\n"), NAMES)
    assert groups.columns.keys() == {"gender"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,gender\na.png,f\n", "no column name"),
        ("name\na.png\n", "no group to compare"),
        ("name,gender\n", "no group to compare"),
        ("", "no column name"),
        ("name,gender\na.png,f\na.png,f\nb.png,m\n", "'a.png' more than once"),
        ("name,gender\nA.png,f\nB.png,m\n", r"'A.png', 'B.png', the samples are called 'a.png'"),
        ("name,gender\na.png,f,x\n", "has 3 cells, not 2"),
        ("name,gender,Gender\na.png,f,m\n", "has two columns 'gender'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(write, text, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        read_groups(write(text), NAMES)
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="is missing"):
        read_groups(tmp_path / "absent.csv", NAMES)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: Is a directory; name a file"):
        read_groups(tmp_path, NAMES)


def test_intersections_need_both_groups():
    columns = {"age": ("old", "", "young"), "gender": ("f", "f", "m"), "hat": ("y", "n", "")}
    both = crossed(columns)
    assert both.keys() == {"age and gender", "age and hat", "gender and hat"}
    assert both["age and gender"] == ("old, f", "", "young, m")
    assert both["gender and hat"] == ("f, y", "f, n", "")
    assert crossed({"age": ("old",)}) == {}


def test_intersections_that_would_be_one_are_refused():
    columns = {"a": ("x", "x, y"), "b": ("y, z", "z")}
    with pytest.raises(InputError, match="two groups of a and b are named 'x, y, z'; rename"):
        crossed(columns)
    columns = dict.fromkeys(("a", "b and c", "a and b", "c"), ("x",))
    with pytest.raises(InputError, match="two intersections of columns are named 'a and b and c'"):
        crossed(columns)


def test_a_column_named_as_an_intersection_is_refused():
    columns = {"a": ("x",), "b": ("y",), "a and b": ("z",)}
    with pytest.raises(InputError, match="named 'a and b', as an intersection is"):
        crossed(columns)
