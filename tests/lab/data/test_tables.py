import gzip

import pytest

from mien.core.errors import InputError
from mien_lab.data.tables import numbered_rows, read_table, write_table


def test_what_is_written_is_read(tmp_path):
    table = tmp_path / "table.csv"
    write_table(table, ["Name", "n"], [['odd, "é"', 1], ["two\nlines", 2.5], ["", ""]])
    assert read_table(table, ("name",), ("m", "n")) == [
        {"name": 'odd, "é"', "n": "1"},
        {"name": "two\nlines", "n": "2.5"},
        {"name": "", "n": ""},
    ]
    assert list(tmp_path.iterdir()) == [table]


def test_each_row_has_the_line_that_it_ends_on(tmp_path):
    table = tmp_path / "table.csv.gz"
    with gzip.open(table, "wt", encoding="utf-8-sig") as stream:
        stream.write('\n A , b\n1, 2 \n\n"3\n4",5\n6,7\n')
    assert list(numbered_rows(table, ("a",))) == [
        (3, {"a": "1", "b": "2"}),
        (6, {"a": "3\n4", "b": "5"}),
        (7, {"a": "6", "b": "7"}),
    ]


def test_a_table_without_a_header_is_given_one(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("x,1\ny,2\n")
    found = list(numbered_rows(table, ("name",), header=["Name", "n"]))
    assert found == [(1, {"name": "x", "n": "1"}), (2, {"name": "y", "n": "2"})]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,b\n1\n", "line 2 of .* has 1 cells, not 2; correct it"),
        (b"b\n1\n", "has no column a or c, but: b; its first line must name the columns"),
        (b"", "has no column a or c, but: none"),
        (b"a,A\n1,2\n", "has two columns 'a'; remove or rename one"),
        (b"a\n\xff\xfe\n", "is not a CSV file in UTF-8"),
        (b'a\n"1"2\n', "is not a CSV file in UTF-8"),
    ],
)
def test_tables_that_are_refused(tmp_path, content, sentence):
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_table(table, ("a", "c"))


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv is missing; check the path"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"cannot be read: .*; name a file"):
        read_table(tmp_path)
    packed = tmp_path / "table.csv.gz"
    for content in (b"a,b\n", gzip.compress(b"a,b\n" * 999)[:20]):
        packed.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be unpacked .*; get it again"):
            read_table(packed)
